//! Every path of the service, in one list. A path that stands here answers other methods with 405 and `Allow`; any other
//! path is answered with 404.

use crate::http::error::Problem;
use crate::http::{api, pages};
use actix_web::guard;
use actix_web::http::Method;
use actix_web::{Route, web};

macro_rules! routes {
    ($($path:literal $($method:ident $handler:path),+;)+) => {
        /// Every path with its methods, lower case.
        pub const ROUTES: &[(&str, &[&str])] = &[$(($path, &[$(stringify!($method)),+])),+];

        /// Puts every path into the application.
        pub fn configure(config: &mut web::ServiceConfig) {
            $(config.service(
                web::resource($path)
                    $(.route($method().to($handler)))+
                    .default_service(web::to(|| async {
                        Err::<&str, _>(Problem::method_not_allowed(concat!($(allow!($method)),+).trim_end_matches(", ")))
                    })),
            );)+
            config.default_service(web::to(|| async { Err::<&str, _>(Problem::not_found()) }));
        }
    };
}

macro_rules! allow {
    (get) => {
        "GET, HEAD, "
    };
    (post) => {
        "POST, "
    };
    (delete) => {
        "DELETE, "
    };
}

routes! {
    // The service itself
    "/healthz"                                        get api::health::healthz;
    "/readyz"                                         get api::health::readyz;
    "/version"                                        get api::health::version;
    "/openapi.json"                                   get pages::docs::document;
    // Cases
    "/api/v1/cases"                                   post api::cases::file;
    "/api/v1/cases/{reference}"                       get api::cases::show;
    "/api/v1/cases/{reference}/events"                get api::events::history;
    "/api/v1/cases/{reference}/transitions"           post api::transitions::act;
    "/api/v1/cases/{reference}/attachments"           get api::attachments::list, post api::attachments::add;
    "/api/v1/cases/{reference}/attachments/{id}"      get api::attachments::download;
    "/api/v1/cases/{reference}/documents"             get api::documents::list, post api::documents::issue;
    "/api/v1/cases/{reference}/documents/{no}"        get api::documents::print;
    "/api/v1/cases/{reference}/documents/{no}/deliveries" post api::documents::deliver;
    "/api/v1/cases/{reference}/unmask"                post api::unmask::show;
    "/api/v1/cases/{reference}/hold"                  get api::hold::show, post api::hold::change;
    "/api/v1/cases/{reference}/corrections"           get api::corrections::list, post api::corrections::ask;
    "/api/v1/cases/{reference}/corrections/{no}"      post api::corrections::decide;
    "/api/v1/cases/{reference}/group"                 get api::groups::own, post api::groups::answer;
    "/api/v1/ratings/{token}"                         get api::ratings::show, post api::ratings::answer;
    // Previews
    "/api/v1/classify"                                post api::preview::classify;
    "/api/v1/route"                                   post api::preview::route;
    "/api/v1/calendar"                                get api::calendar::year;
    "/api/v1/calendar/due"                            get api::calendar::due;
    // Staff
    "/api/v1/queue"                                   get api::queue::page;
    "/api/v1/queue/stream"                            get api::stream::watch;
    "/api/v1/notices"                                 get api::notices::list;
    "/api/v1/notices/{id}"                            post api::notices::settle;
    "/api/v1/webhooks"                                get api::webhooks::list, post api::webhooks::create;
    "/api/v1/webhooks/{id}"                           post api::webhooks::act, delete api::webhooks::remove;
    "/api/v1/mass/proposals"                          get api::mass::proposals;
    "/api/v1/mass/alarms"                             get api::mass::alarms, post api::mass::note;
    "/api/v1/groups"                                  get api::groups::list, post api::groups::open;
    "/api/v1/groups/{id}"                             get api::groups::show;
    "/api/v1/groups/{id}/members"                     post api::groups::add;
    "/api/v1/groups/{id}/members/{reference}"         delete api::groups::remove;
    "/api/v1/groups/{id}/questions"                   post api::groups::ask;
    "/api/v1/groups/{id}/transitions"                 post api::groups::step;
    "/api/v1/metrics/summary"                         get api::metrics::summary;
    "/api/v1/metrics/timeseries"                      get api::metrics::timeseries;
    "/api/v1/metrics/breakdown"                       get api::metrics::breakdown;
    "/api/v1/metrics/scorecard"                       get api::metrics::scorecard;
    "/api/v1/metrics/cases"                           get api::metrics::cases;
    "/api/v1/exports/cases.{format}"                  get api::exports::cases;
    "/api/v1/audit"                                   get api::audit::page;
    // Sessions
    "/api/v1/auth/otp"                                post api::codes::send;
    "/api/v1/auth/token"                              post api::auth::token;
    "/api/v1/auth/refresh"                            post api::auth::refresh;
    "/api/v1/auth/logout"                             post api::auth::logout;
    "/api/v1/auth/step-up"                            post api::factors::step_up;
    "/api/v1/me"                                      get api::auth::me;
    "/api/v1/me/export"                               get api::subject::export;
    "/api/v1/me/cases"                                get api::codes::own;
    "/api/v1/me/password"                             post api::factors::password;
    "/api/v1/me/totp"                                 post api::factors::enrol, delete api::factors::remove;
    "/api/v1/me/totp/confirmation"                    post api::factors::confirm;
    "/api/v1/me/sessions"                             get api::auth::list;
    "/api/v1/me/sessions/{id}"                        delete api::auth::end;
    // Reference data
    "/api/v1/sectors"                                 get api::reference::units::sectors;
    "/api/v1/departments"                             get api::reference::units::departments;
    "/api/v1/offices"                                 get api::reference::units::offices;
    "/api/v1/stations"                                get api::reference::units::stations;
    "/api/v1/divisions"                               get api::reference::places::divisions;
    "/api/v1/rules"                                   get api::reference::rules::rules;
    // Pages
    "/docs"                                           get pages::docs::page;
    "/docs/{file}"                                    get pages::docs::file;
    "/setup/{token}"                                  get pages::setup::form, post pages::setup::create;
    "/assets/{file}"                                  get pages::assets::asset;
    "/sw.js"                                          get pages::assets::worker;
    "/manifest.webmanifest"                           get pages::assets::manifest;
    "/"                                               get pages::home::page;
    "/board"                                          get pages::board::page;
    "/board.csv"                                      get pages::board::csv::file;
    "/board/cases"                                    get pages::board::list::page;
    "/login"                                          get pages::login::form, post pages::login::enter;
    "/login/oidc"                                     get pages::oidc::begin;
    "/login/oidc/callback"                            get pages::oidc::finish;
    "/logout"                                         post pages::login::leave;
    "/account"                                        get pages::account::page;
    "/account/factor"                                 post pages::account::factor;
    "/account/password"                               post pages::account::password;
    "/desk"                                           get pages::desk::queue::page;
    "/desk/new"                                       get pages::desk::enter::form, post pages::desk::enter::file;
    "/desk/bulk"                                      post pages::desk::bulk::run;
    "/desk/keys"                                      get pages::desk::keys::page, post pages::desk::keys::switch;
    "/desk/cases/{reference}"                         get pages::desk::case::page;
    "/desk/cases/{reference}/act/{action}"            get pages::desk::act::form, post pages::desk::act::take;
    "/desk/cases/{reference}/group"                   post pages::desk::group::open;
    "/desk/groups/{id}"                               get pages::desk::group::page, post pages::desk::group::act;
    "/desk/cases/{reference}/unmask"                  get pages::desk::unmask::form, post pages::desk::unmask::reveal;
    "/admin"                                          get pages::admin::accounts::page;
    "/admin/accounts/new"                             get pages::admin::new::form, post pages::admin::new::make;
    "/admin/accounts/{username}"                      get pages::admin::account::page, post pages::admin::account::change;
    "/admin/routing"                                  get pages::admin::routing::page;
    "/audit"                                          get pages::audit::log::page;
    "/audit/chain"                                    get pages::audit::chain::page, post pages::audit::chain::run;
    "/ask"                                            get pages::ask::form, post pages::ask::answer;
    "/file/done"                                      get pages::filing::done;
    "/file/calendar.ics"                              get pages::filing::calendar;
    "/file/clear"                                     post pages::filing::clear;
    "/file/{step}"                                    get pages::filing::show, post pages::filing::answer;
    "/t"                                              get pages::following::enter, post pages::following::sign_in;
    "/t/case"                                         get pages::following::course;
    "/t/own"                                          get pages::following::own;
    "/t/leave"                                        post pages::following::leave;
    "/t/files"                                        get pages::following::files, post pages::following::add;
    "/t/group"                                        get pages::following::group, post pages::following::answer_group;
    "/t/act/{action}"                                 get pages::following::form, post pages::following::act;
    "/r/{token}"                                      get pages::rate::form, post pages::rate::answer;
    "/offline"                                        get pages::home::offline;
    "/privacy"                                        get pages::home::privacy;
    "/accessibility"                                  get pages::home::accessibility;
}

/// What of the interface is open to everyone; all else under `/api/` asks for a session before anything of the request is looked at.
const OPEN: &[(&str, &str)] = &[
    ("post", "/api/v1/cases"),
    ("post", "/api/v1/classify"),
    ("post", "/api/v1/route"),
    ("get", "/api/v1/calendar"),
    ("get", "/api/v1/calendar/due"),
    // By the token of a link.
    ("get", "/api/v1/ratings/{token}"),
    ("post", "/api/v1/ratings/{token}"),
    ("post", "/api/v1/auth/otp"),
    ("post", "/api/v1/auth/token"),
    ("post", "/api/v1/auth/refresh"),
    ("get", "/api/v1/sectors"),
    ("get", "/api/v1/departments"),
    ("get", "/api/v1/offices"),
    ("get", "/api/v1/stations"),
    ("get", "/api/v1/divisions"),
    ("get", "/api/v1/rules"),
];

/// Whether a method of a path, by its pattern, is there for those who have signed in only.
pub(super) fn needs_session(method: &Method, pattern: &str) -> bool {
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let there = ROUTES.iter().any(|(path, methods)| *path == pattern && methods.contains(&method.as_str()));
    there && pattern.starts_with("/api/") && !OPEN.contains(&(method.as_str(), pattern))
}

/// `GET`, and `HEAD`, whose body the server leaves out.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn post() -> Route {
    web::post()
}

fn delete() -> Route {
    web::delete()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, ResponseError as _};

    #[test]
    fn what_is_open_is_there() {
        for (method, path) in OPEN {
            assert!(ROUTES.iter().any(|(known, methods)| known == path && methods.contains(method)), "{method} {path}");
        }
        assert!(needs_session(&Method::HEAD, "/api/v1/me") && needs_session(&Method::POST, "/api/v1/me/totp"));
        assert!(!needs_session(&Method::POST, "/api/v1/cases") && !needs_session(&Method::GET, "/healthz"));
        assert!(!needs_session(&Method::PUT, "/api/v1/me"), "it is told which methods there are");
    }

    #[actix_web::test]
    async fn other_methods_and_paths_are_told_so() {
        let app = init_service(App::new().configure(configure)).await;
        for (path, methods) in ROUTES {
            let response = call_service(&app, TestRequest::patch().uri(path).to_request()).await;
            assert_eq!(response.status(), 405, "{path}");
            let allow = response.headers().get("allow").unwrap().to_str().unwrap();
            for method in *methods {
                assert!(allow.contains(&method.to_uppercase()), "{path}: {allow}");
            }
        }
        for path in ["/api", "/api/v1/merchants", "/healthz/", "/.env", "/../healthz"] {
            assert_eq!(call_service(&app, TestRequest::get().uri(path).to_request()).await.status(), 404, "{path}");
        }
        assert_eq!(Problem::not_found().status_code(), 404);
    }
}
