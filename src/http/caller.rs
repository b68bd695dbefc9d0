//! Who is calling: the token that a request shows, and the address that it comes from.

use crate::app::App;
use crate::audit::Occasion;
use crate::config::settings::Settings;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Role;
use crate::http::Edge;
use crate::http::error::Problem;
use crate::identity::{self, Caller as Who, Claims, scope};
use crate::store::users::{self, User};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev, web};
use futures_util::future::LocalBoxFuture;
use std::net::{IpAddr, Ipv4Addr};

/// Who makes a request; anonymous when it shows no token. A token that isn't believed is answered with 401, also where
/// none is needed: whoever shows one wants to be known by it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// From where, proxies that are trusted looked through.
    pub address: IpAddr,
    /// Id of the request, for the audit log.
    pub request_id: Option<String>,
}

/// The id that the middleware gave a request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

impl Caller {
    /// The cases that they may know of.
    pub fn scope(&self) -> Scope {
        scope(&self.who)
    }

    /// The beginning of an entry of the audit log about what this caller does.
    pub fn occasion(&self, app: &App) -> Occasion {
        app.occasion(&self.who).of_request(self.request_id.clone())
    }

    /// Refuses the anonymous.
    ///
    /// # Errors
    /// 401.
    pub fn signed_in(&self) -> Result<(), Problem> {
        if self.who.is_anonymous() { Err(Problem::unauthenticated()) } else { Ok(()) }
    }

    /// Refuses all but staff who work on cases.
    ///
    /// # Errors
    /// 401 for the anonymous, 403 for consumers, merchants and administrators.
    pub fn case_staff(&self) -> Result<(), Problem> {
        self.signed_in()?;
        match self.who.role {
            Role::Station | Role::Officer | Role::Dispatcher | Role::Supervisor | Role::Auditor => Ok(()),
            Role::Consumer | Role::Merchant | Role::Admin | Role::System => Err(Problem::not_for_role()),
        }
    }

    /// Whether they are on the staff.
    pub fn is_staff(&self) -> bool {
        self.who.user.is_some()
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let parts = request.app_data::<web::Data<App>>().cloned().zip(request.app_data::<web::Data<Edge>>().cloned());
        let Some((app, edge)) = parts else {
            return Box::pin(async { Err(Problem::internal("no app data")) });
        };
        let address = address(request, &app.settings);
        // The middleware has looked at the token already.
        let known = request.extensions().get::<Shown>().cloned();
        let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
        let shown = known.unwrap_or_else(|| Shown::by(request, &app));
        Box::pin(async move {
            let who = match shown {
                Shown::Nothing => Who::ANONYMOUS,
                Shown::Token(claims) => confirmed(&app, &edge, (*claims).into()).await?,
                Shown::Nonsense => return Err(Problem::invalid_token()),
            };
            Ok(Self { who, address, request_id })
        })
    }
}

/// What a request shows of who it is from, before the account is looked up.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// No token.
    Nothing,
    /// One that is signed by us and hasn't ended.
    Token(Box<Claims>),
    /// Anything else.
    Nonsense,
}

impl Shown {
    /// Looks at the token of a request.
    pub(super) fn by(request: &HttpRequest, app: &App) -> Self {
        match token(request) {
            Ok(None) => Self::Nothing,
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

/// A caller whose account still is as the token says. Staff are looked up; a disabled or changed account has no valid token.
async fn confirmed(app: &App, edge: &Edge, who: Who) -> Result<Who, Problem> {
    match (&who.role, &who.user) {
        (Role::Consumer | Role::Merchant, _) if who.case.is_some() => Ok(who),
        (_, Some(username)) => {
            let user = match edge.accounts.get(username) {
                Some(known) => known,
                None => {
                    let name = username.clone();
                    let found = app.store.read(move |db| users::find(db, &name)).await?;
                    edge.accounts.keep(username, found.as_ref());
                    found.as_ref().and_then(standing)
                }
            };
            let same = |user: &Who| (user.role, &user.unit, user.division) == (who.role, &who.unit, who.division);
            user.filter(same).ok_or_else(Problem::invalid_token)
        }
        // No token of ours names the system or nobody.
        _ => Err(Problem::invalid_token()),
    }
}

/// What an account may do now; `None` when it can't sign in any more.
pub(super) fn standing(user: &User) -> Option<Who> {
    (!user.disabled).then(|| identity::Caller {
        role: user.role,
        user: Some(user.username.clone()),
        unit: user.unit.clone(),
        division: user.division,
        case: None,
    })
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
