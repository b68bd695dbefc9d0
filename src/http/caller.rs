//! Who is calling: the token that a request shows, and the address that it comes from.

use crate::access::Origin;
use crate::access::sessions::{self, Proof};
use crate::app::App;
use crate::audit::Occasion;
use crate::config::settings::Settings;
use crate::domain::permission::{self, Grant, Permission};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Kind, Role};
use crate::http::error::Problem;
use crate::http::{csrf, session};
use crate::identity::{Caller as Who, Claims, Ticket, scope};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev, web};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// Who makes a request; anonymous when it shows neither token nor cookie. A token that isn't believed is answered with 401,
/// also where none is needed: whoever shows one wants to be known by it. A cookie that isn't good any more counts as none:
/// the browser sends it without being asked.
///
/// Where somebody is known by a cookie, a request that changes something must come from our own pages and carry the
/// session's token in the header `x-csrf-token`, else 403; forms carry it in a field, see [`Unconfirmed`].
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// From where, proxies that are trusted looked through.
    pub address: IpAddr,
    /// Session that they are signed in with.
    pub session: Option<Uuid>,
    /// When they last proved to be who they are.
    proved_at: Option<Timestamp>,
    csrf: String,
    /// Id of the request, for the audit log.
    pub request_id: Option<String>,
}

/// The id that the middleware gave a request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// Who has turned out to make a request, for the middleware.
#[derive(Debug, Clone)]
pub(super) struct SignedIn(pub(super) Who);

impl Caller {
    /// The cases that they may know of.
    pub fn scope(&self) -> Scope {
        scope(&self.who)
    }

    /// What the field `csrf_token` of the forms of a page carries; empty where no cookie is in play.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The beginning of an entry of the audit log about what this caller does.
    pub fn occasion(&self, app: &App) -> Occasion {
        app.occasion(&self.who).of_request(self.request_id.clone())
    }

    /// Where the request comes from.
    pub fn origin(&self) -> Origin {
        Origin { address: self.address, request_id: self.request_id.clone() }
    }

    /// Refuses whoever proved long ago who they are: what they ask for is sensitive.
    ///
    /// # Errors
    /// 403 `step_up_required`.
    pub fn proved_lately(&self, app: &App) -> Result<(), Problem> {
        let minutes = i64::from(app.settings.auth.step_up_minutes);
        let lately = self.proved_at.is_some_and(|at| app.now().duration_since(at).as_secs() < minutes * 60);
        if minutes == 0 || lately { Ok(()) } else { Err(Problem::step_up_required()) }
    }

    /// Refuses the anonymous.
    ///
    /// # Errors
    /// 401.
    pub fn signed_in(&self) -> Result<(), Problem> {
        if self.who.is_anonymous() { Err(Problem::unauthenticated()) } else { Ok(()) }
    }

    /// Refuses those whose role may not do something with any case.
    ///
    /// # Errors
    /// 401 for the anonymous, 403 for other roles.
    pub fn may(&self, permission: Permission) -> Result<(), Problem> {
        self.signed_in()?;
        match permission::grant(self.who.role, permission) {
            Grant::No => Err(Problem::not_for_role()),
            Grant::Complaints | Grant::Yes => Ok(()),
        }
    }

    /// Refuses those whose role may not do something with a case of a kind, which must lie in their scope.
    ///
    /// # Errors
    /// 401 for the anonymous, 403 for other roles.
    pub fn may_with(&self, permission: Permission, kind: Kind) -> Result<(), Problem> {
        self.signed_in()?;
        if permission::may(self.who.role, permission, kind) { Ok(()) } else { Err(Problem::not_for_role()) }
    }

    /// Whether they are on the staff.
    pub fn is_staff(&self) -> bool {
        self.who.user.is_some()
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let sender = Unconfirmed::from_request(request, payload);
        let token = request.headers().get(csrf::HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Box::pin(async move { sender.await?.confirm(token.as_deref()) })
    }
}

/// A caller of whom it isn't known yet whether the request carries its session's token. Forms have it in their body, which
/// their handler reads first.
#[derive(Debug)]
pub struct Unconfirmed {
    caller: Caller,
    asked: Option<Ticket>,
}

impl Unconfirmed {
    /// The caller, if the token is its session's or none is needed.
    ///
    /// # Errors
    /// 403.
    pub fn confirm(self, token: Option<&str>) -> Result<Caller, Problem> {
        if let Some(ticket) = &self.asked {
            csrf::check_token(ticket, token)?;
        }
        Ok(self.caller)
    }
}

impl FromRequest for Unconfirmed {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let Some(app) = request.app_data::<web::Data<App>>().cloned().map(web::Data::into_inner) else {
            return Box::pin(async { Err(Problem::internal("no app data")) });
        };
        // The middleware has looked at the token already.
        let known = request.extensions().get::<Shown>().cloned();
        let Origin { address, request_id } = origin(request, &app.settings);
        let shown = known.unwrap_or_else(|| Shown::by(request, &app));
        let changes = !csrf::is_safe(request.method());
        let origin = csrf::check_origin(request, app.settings.server.public_url.as_deref());
        let request = request.clone();
        Box::pin(async move {
            let nobody = Caller {
                who: Who::ANONYMOUS,
                address,
                request_id,
                session: None,
                proved_at: None,
                csrf: String::new(),
            };
            match shown {
                Shown::Nothing => Ok(Self { caller: nobody, asked: None }),
                Shown::Token(claims) => {
                    let live =
                        sessions::find(&app, Proof::Token(claims.sid)).await?.ok_or_else(Problem::invalid_token)?;
                    request.extensions_mut().insert(SignedIn(live.who.clone()));
                    let proved_at = Some(live.proved_at);
                    let caller = Caller { who: live.who, session: Some(live.id), proved_at, ..nobody };
                    Ok(Self { caller, asked: None })
                }
                Shown::Cookie(ticket) => {
                    let Some(live) = sessions::find(&app, Proof::Cookie(ticket.clone())).await? else {
                        return Ok(Self { caller: nobody, asked: None });
                    };
                    request.extensions_mut().insert(SignedIn(live.who.clone()));
                    if changes {
                        origin?;
                    }
                    let (session, proved_at) = (Some(live.id), Some(live.proved_at));
                    let caller = Caller { who: live.who, session, proved_at, csrf: ticket.csrf(), ..nobody };
                    Ok(Self { caller, asked: changes.then_some(ticket) })
                }
                Shown::Nonsense => Err(Problem::invalid_token()),
            }
        })
    }
}

/// What a request shows of who it is from, before the session is looked up.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// No token.
    Nothing,
    /// One that is signed by us and hasn't ended.
    Token(Box<Claims>),
    /// A cookie of the right form.
    Cookie(Ticket),
    /// Anything else.
    Nonsense,
}

impl Shown {
    /// Looks at the token of a request, and without one at its cookie.
    pub(super) fn by(request: &HttpRequest, app: &App) -> Self {
        match token(request) {
            Ok(None) => session::ticket(request, &app.settings).map_or(Self::Nothing, Self::Cookie),
            Ok(Some(token)) => app.tokens.verify(token).map_or(Self::Nonsense, |claims| Self::Token(Box::new(claims))),
            Err(_) => Self::Nonsense,
        }
    }

    /// Whether it is a token of staff.
    pub(super) fn is_staff(&self) -> bool {
        matches!(self, Self::Token(claims) if !matches!(claims.role, Role::Consumer | Role::Merchant))
    }
}

/// The bearer token of a request; `None` when it shows none.
fn token(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::invalid_token());
    }
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim()))
        .ok_or_else(Problem::invalid_token)
}

/// Where a request comes from, whoever makes it.
pub(super) fn origin(request: &HttpRequest, settings: &Settings) -> Origin {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    Origin { address: address(request, settings), request_id }
}

/// Where a request comes from: the peer, or what trusted proxies say: of `X-Forwarded-For` the last address that isn't a
/// trusted proxy's. What stands before it anyone could have written.
pub(super) fn address(request: &HttpRequest, settings: &Settings) -> IpAddr {
    // A listener without addresses (a socket file) has a proxy before it on the same machine.
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    let is_trusted = |address: IpAddr| settings.limits.trusted_proxies.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut last = peer;
    for hop in forwarded.iter().rev() {
        let Ok(hop) = hop.trim().parse() else { break };
        last = hop;
        if !is_trusted(hop) {
            break;
        }
    }
    last
}

/// Whether a request comes straight from a trusted proxy.
pub(super) fn through_proxy(request: &HttpRequest, settings: &Settings) -> bool {
    request
        .peer_addr()
        .is_some_and(|peer| settings.limits.trusted_proxies.iter().any(|network| network.contains(peer.ip())))
}
