//! What is the same for everybody: the style sheet, the script, the logo, and the sign of life.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

use crate::httpd::page::Pages;
use crate::httpd::router::Parts;

/// `/style.css`, `/postern.js`, `/logo.svg`, `/healthz`.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/style.css", get(style))
        .route("/postern.js", get(script))
        .route("/logo.svg", get(logo))
        .route("/healthz", get(async || "ok\n"))
}

async fn style(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    file(&pages, "page/style.css", "text/css; charset=utf-8", &headers)
}

async fn script(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    file(&pages, "page/postern.js", "text/javascript; charset=utf-8", &headers)
}

async fn logo(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    file(&pages, "page/logo.svg", "image/svg+xml", &headers)
}

/// The browser keeps the file but asks each time whether it still holds (RFC 9110 §8.8.3, §13.1.2): a change in the
/// templates folder shows at once.
fn file(pages: &Pages, name: &str, kind: &'static str, asked: &HeaderMap) -> Response {
    let Some(text) = pages.file(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())));
    let unchanged = asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache"), (ETAG, &tag)];
    if unchanged {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, text).into_response()
    }
}
