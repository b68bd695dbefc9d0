//! Mail: over SMTP, or as files in the data folder when no server is set.

use crate::config::settings::Smtp;
use crate::domain::hidden::hidden_debug;
use crate::notify::fault::Fault;
use jiff::Timestamp;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MessageBuilder};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Sends mail.
pub struct Mail {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            Way::Smtp(_) => "Mail(SMTP)",
            Way::Folder(_) => "Mail(folder)",
        })
    }
}

/// A mail to one address.
#[derive(Clone)]
pub struct Letter<'a> {
    /// Stays the same when it is sent again.
    pub id: Uuid,
    /// Which notice.
    pub notice: &'a str,
    /// Address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Text.
    pub text: &'a str,
    /// Date of the mail.
    pub now: Timestamp,
}

hidden_debug!(Letter<'_>);

impl Mail {
    /// From the settings; `folder` is where mail goes as files when no server is set.
    ///
    /// # Errors
    /// What of the settings can't be understood; the address of the server may hold a password and isn't repeated.
    pub fn new(settings: &Smtp, folder: &Path) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|error| format!("smtp.from: not an address of mail: {error}"))?;
        let way = match &settings.url {
            None => Way::Folder(folder.to_owned()),
            Some(url) => {
                let builder =
                    AsyncSmtpTransport::<Tokio1Executor>::from_url(&understood(url.expose())).map_err(|_| {
                        "smtp.url: not smtp://, smtps:// or smtp+starttls://user:password@host:port".to_owned()
                    })?;
                let timeout = Duration::from_secs(settings.timeout_seconds);
                let hello = settings.from.rsplit_once('@').map_or("localhost", |(_, host)| host.trim_end_matches('>'));
                Way::Smtp(builder.timeout(Some(timeout)).hello_name(ClientId::Domain(hello.to_owned())).build())
            }
        };
        Ok(Self { from, way })
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// How it failed.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), Fault> {
        let message = self.message(letter)?;
        match &self.way {
            Way::Smtp(transport) => transport.send(message).await.map(|_| ()).map_err(|error| fault(&error)),
            Way::Folder(folder) => {
                let (path, bytes) = (folder.join(format!("{}.eml", letter.id)), message.formatted());
                super::post::write_file(path, bytes).await
            }
        }
    }

    /// The mail. Every text is encoded, so that no byte of it can be read as a line of the protocol: a bare line feed in
    /// 7bit or 8bit text could (RUSTSEC-2026-0561).
    fn message(&self, letter: &Letter<'_>) -> Result<Message, Fault> {
        let to: Address = letter.to.parse().map_err(|_| Fault::permanent("no_address"))?;
        let host = self.from.email.domain();
        let lines = letter.text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        let body = Body::new_with_encoding(lines, ContentTransferEncoding::Base64)
            .map_err(|_| Fault::permanent("text_not_encoded"))?;
        let builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .message_id(Some(format!("<{}@{host}>", letter.id)))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(letter.now.as_second()).unwrap_or(0)))
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        builder.header(ContentType::TEXT_PLAIN).body(body).map_err(|_| Fault::permanent("mail_not_built"))
    }
}

/// The address as the library wants it: `smtp+starttls://` is SMTP that must be upgraded to TLS.
fn understood(url: &str) -> String {
    match url.strip_prefix("smtp+starttls://") {
        Some(rest) => format!("smtp://{rest}{}tls=required", if rest.contains('?') { '&' } else { '?' }),
        None => url.to_owned(),
    }
}

/// Replies that speak of this mail or its receiver for good. Any other failure may pass: also a refused sign-in, which is
/// the operator's to put right and no reason to give up what is owed.
const FOR_GOOD: &[u16] = &[510, 511, 512, 513, 515, 521, 541, 550, 551, 553, 554, 555, 556];

fn fault(error: &lettre::transport::smtp::Error) -> Fault {
    match error.status() {
        Some(code) => {
            let code = u16::from(code);
            Fault { code: format!("smtp_{code}"), permanent: FOR_GOOD.contains(&code) }
        }
        None if error.is_timeout() => Fault::passing("no_answer"),
        None => Fault::passing("connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::config::settings::Inputs;

    fn mail(folder: &Path) -> Mail {
        Mail::new(&Settings::load(&Inputs::default()).unwrap().smtp, folder).unwrap()
    }

    fn letter<'a>(to: &'a str, subject: &'a str, text: &'a str) -> Letter<'a> {
        let now = "2026-11-24T01:00:00Z".parse().unwrap();
        Letter { id: Uuid::from_u128(7), notice: "acceptance", to, subject, text, now }
    }

    /// SEC-EM-01: no line end in an address, a subject or a text becomes a line of a header or of the protocol.
    #[test]
    fn sec_em_01_no_value_begins_a_header_or_ends_the_mail() {
        let mail = mail(Path::new("/nowhere"));
        let hostile = "a\r\nBcc: evil@example.com\n.\nRCPT TO:<evil@example.com>\r.\r\n.\r\nQUIT";
        let message = mail.message(&letter("a@example.com", "plain", hostile)).unwrap();
        assert_eq!(message.envelope().to().len(), 1);
        let bytes = message.formatted();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => assert!(at > 0 && bytes[at - 1] == b'\r', "a bare line feed at {at}"),
                b'\r' => assert_eq!(bytes.get(at + 1), Some(&b'\n'), "a bare carriage return at {at}"),
                _ => {}
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("evil") && !text.contains("\r\n.\r\n"), "{text}");
        for to in ["a@example.com\r\nRCPT TO:<evil@example.com>", "a@example.com\nb", "a b@c", "<a@b>", "a@b@c", ""] {
            assert!(mail.message(&letter(to, "s", "t")).is_err(), "{to:?}");
        }
        for subject in ["s\r\nBcc: evil@example.com", "s\nBcc: evil@example.com", "s\rBcc: evil@example.com"] {
            let text =
                String::from_utf8(mail.message(&letter("a@example.com", subject, "t")).unwrap().formatted()).unwrap();
            let head = text.split("\r\n\r\n").next().unwrap();
            assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        }
    }

    #[tokio::test]
    async fn a_mail_of_the_folder_keeps_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let mail = mail(folder.path());
        for _ in 0..2 {
            mail.send(&letter("a@example.com", "受理", "您好\n放心")).await.unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "the second is the first again");
        insta::assert_snapshot!(std::fs::read_to_string(&files[0]).unwrap().replace('\r', ""));
    }

    #[test]
    fn servers_are_named_by_three_schemes() {
        assert_eq!(understood("smtp+starttls://h:587"), "smtp://h:587?tls=required");
        assert_eq!(understood("smtps://u:p@h"), "smtps://u:p@h");
    }
}
