//! Which addresses of the network may be reached on a subscriber's behalf: those of the public internet, and what the operator
//! allows besides. A name is resolved by us, every one of its addresses is looked at, and the connection goes to those and no
//! other, so that a name that is public now and internal a second later (rebinding) reaches nothing.

use crate::config::settings::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use url::{Host, Url};

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync {
    /// Its addresses; none is an error too.
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Why an address can't be a subscriber's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Not an absolute address.
    #[error("not an address")]
    NotAnAddress,
    /// Another scheme, or `http` to the public internet.
    #[error("must be https")]
    Scheme,
    /// It holds a name, a password or a fragment.
    #[error("must hold no user name, password or fragment")]
    Credentials,
    /// The name has no address at this moment.
    #[error("the name can't be resolved")]
    Unresolvable,
    /// An address of it belongs to an internal network.
    #[error("it leads into an internal network")]
    Internal,
}

/// What may be reached.
#[derive(Clone)]
pub struct Reach {
    allowed: Arc<Vec<Network>>,
    lookup: Arc<dyn Lookup>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Reach {
    /// The public internet, and these internal networks.
    pub fn new(allowed: Vec<Network>, lookup: Arc<dyn Lookup>) -> Self {
        Self { allowed: Arc::new(allowed), lookup }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    /// The addresses of a name, all of which may be reached.
    async fn resolve(&self, name: String) -> Result<Vec<IpAddr>, Unreachable> {
        let addresses = self.lookup.lookup(name).await.map_err(|_| Unreachable::Unresolvable)?;
        if addresses.is_empty() {
            return Err(Unreachable::Unresolvable);
        }
        self.take(addresses)
    }

    /// The same addresses, when all of them may be reached.
    fn take(&self, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Unreachable> {
        let all = addresses.iter().all(|address| self.is_allowed(*address) || is_public(*address));
        if all { Ok(addresses) } else { Err(Unreachable::Internal) }
    }

    /// Checks an address as it is saved, and again before each delivery: where an address stands in place of a name nothing
    /// is resolved later.
    ///
    /// # Errors
    /// Why it may not be reached.
    pub async fn check(&self, url: &str) -> Result<Url, Unreachable> {
        let url = Url::parse(url).map_err(|_| Unreachable::NotAnAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Unreachable::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Unreachable::Credentials);
        }
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => self.take(vec![IpAddr::V4(address)])?,
            Some(Host::Ipv6(address)) => self.take(vec![IpAddr::V6(address)])?,
            Some(Host::Domain(name)) => self.resolve(name.to_owned()).await?,
            None => return Err(Unreachable::NotAnAddress),
        };
        // In the clear only where the operator said so.
        if url.scheme() == "http" && !addresses.iter().all(|address| self.is_allowed(*address)) {
            return Err(Unreachable::Scheme);
        }
        Ok(url)
    }
}

/// What the client connects to goes through here.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let addresses = Self::resolve(&reach, name.as_str().to_owned()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Whether an address is one of the public internet (IANA special-purpose registries, 2026).
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is given out; of it not what tunnels to other addresses (2001::/23 with Teredo, 2002::/16) or is for
    // documentation.
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8)) && a != 0x2002 && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::TcpListener;

    /// Answers with one list after the other, the last again and again.
    struct Planned(Vec<&'static str>, AtomicUsize);

    impl Lookup for Planned {
        fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
            let turn = self.1.fetch_add(1, Ordering::Relaxed).min(self.0.len() - 1);
            let found = self.0[turn].split_whitespace().map(|address| address.parse().unwrap()).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    fn reach(answers: &[&'static str], allowed: &[&str]) -> Reach {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Reach::new(allowed, Arc::new(Planned(answers.to_vec(), AtomicUsize::new(0))))
    }

    /// SEC-SS-01: every way to write an internal address.
    #[tokio::test]
    async fn sec_ss_01_no_internal_address_is_taken_however_it_is_written() {
        let reach = reach(&["93.184.216.34"], &[]);
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1:8443/x",
            "https://0.0.0.0/",
            "https://0/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.100.100.200/latest/meta-data/",
            "https://100.64.0.1/",
            "https://192.0.0.192/opc/v2/",
            "https://198.18.0.1/",
            "https://192.0.2.1/",
            "https://224.0.0.1/",
            "https://240.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[::127.0.0.1]/",
            "https://[fc00::1]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[ff02::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://[2001:db8::1]/",
        ] {
            assert_eq!(reach.check(url).await, Err(Unreachable::Internal), "{url}");
        }
        for (url, why) in [
            ("http://93.184.216.34/", Unreachable::Scheme),
            ("http://example.com/", Unreachable::Scheme),
            ("file:///etc/passwd", Unreachable::Scheme),
            ("gopher://example.com/", Unreachable::Scheme),
            ("ftp://example.com/", Unreachable::Scheme),
            ("https://user:secret@example.com/", Unreachable::Credentials),
            ("https://example.com/#x", Unreachable::Credentials),
            ("https://", Unreachable::NotAnAddress),
            ("example.com/hook", Unreachable::NotAnAddress),
            ("", Unreachable::NotAnAddress),
        ] {
            assert_eq!(reach.check(url).await, Err(why), "{url}");
        }
        for url in ["https://example.com/hook?x=1", "https://8.8.8.8/", "https://[2606:2800:220:1::1]:8443/"] {
            assert!(reach.check(url).await.is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn one_internal_address_among_public_ones_is_enough_to_refuse() {
        for answers in ["93.184.216.34 10.0.0.1", "::1 2606:2800:220:1::1"] {
            let found = reach(&[answers], &[]).check("https://example.com/").await;
            assert_eq!(found, Err(Unreachable::Internal), "{answers}");
        }
        assert_eq!(reach(&[""], &[]).check("https://example.com/").await, Err(Unreachable::Unresolvable));
        let inside = reach(&["10.1.2.3"], &["10.1.0.0/16"]);
        assert!(inside.check("http://bus.internal/").await.is_ok(), "the operator allows it");
        assert_eq!(inside.check("https://10.2.0.1/").await, Err(Unreachable::Internal));
    }

    /// SEC-SS-01: a name that is public when it is saved and internal when it is connected to. The client without the guard is
    /// seen to reach the listener, so that the check can fail.
    #[tokio::test]
    async fn sec_ss_01_a_name_that_turns_inward_reaches_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("https://rebinding.example.com:{port}/");
        let guarded = reach(&["93.184.216.34", "127.0.0.1"], &[]);
        let url = guarded.check(&url).await.expect("public at first");
        let builder = || reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5));
        let client = builder().dns_resolver(guarded).build().unwrap();
        let (sent, came) = tokio::join!(
            client.post(url.clone()).send(),
            tokio::time::timeout(std::time::Duration::from_secs(1), listener.accept())
        );
        assert!(sent.is_err() && came.is_err(), "nothing may arrive");
        let unguarded = builder().resolve("rebinding.example.com", SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
        let client = unguarded.build().unwrap();
        let (_, came) = tokio::join!(client.post(url).send(), async {
            let came = listener.accept().await;
            drop(came.unwrap());
            true
        });
        assert!(came, "the control arrives");
    }
}
