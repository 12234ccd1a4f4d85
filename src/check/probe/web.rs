//! `WEB_CHECK`: one HTTP request by reqwest, and a look at what comes back.
//!
//! Each request has a connection of its own, to the real server whatever name it asks for. No redirect is followed,
//! no proxy used, nothing is decompressed, and no more of a body is read than [`MOST`].

mod clients;

use super::http::limit;
use super::secure::Certificate;
use super::service::{self, Asked};
use crate::check::config::{ServiceConfig, Web, host};
use crate::check::event::Reason;
pub(super) use clients::Clients;
use clients::broken;
use openssl::x509::X509;
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::tls::TlsInfo;
use reqwest::{Method, Request, Response, Url};
use std::net::IpAddr;

/// The most octets of a body that are read.
const MOST: usize = 256 * 1024;

/// Asks a web service.
pub(super) async fn ask(clients: &Clients, config: &ServiceConfig, question: &Web) -> Asked {
    let mut certificate = None;
    let whole = limit(config.connection.timeout);
    let result = service::within(whole, talk(clients, config, question, &mut certificate)).await;
    Asked { result, certificate }
}

async fn talk(
    clients: &Clients,
    config: &ServiceConfig,
    question: &Web,
    certificate: &mut Option<Certificate>,
) -> Result<(), Reason> {
    let destination = config.connection.destination;
    if destination.port() == 0 {
        return Err(Reason::Refused);
    }
    let client = clients.get(&config.connection, config.settings.tls.as_ref(), question.http2)?;
    let request = request(config, question)?;
    let response = clients::to(destination, client.execute(request))
        .await
        .map_err(|error| broken(&error))?;
    let tls = response.extensions().get::<TlsInfo>();
    *certificate = tls
        .and_then(TlsInfo::peer_certificate)
        .and_then(|der| X509::from_der(der).ok())
        .and_then(|certificate| Certificate::read(&certificate));
    let code = response.status().as_u16();
    if !question
        .status
        .iter()
        .any(|(low, high)| (*low..=*high).contains(&code))
    {
        return Err(Reason::Status(code));
    }
    if !question.wants_body() {
        return Ok(());
    }
    judge(question, &body(response).await?)
}

fn request(config: &ServiceConfig, question: &Web) -> Result<Request, Reason> {
    let unfit = |what: &str| Reason::NotSent(format!("{what} cannot be sent"));
    let (authority, named) = addressed(config, question);
    let scheme = match config.settings.tls {
        Some(_) => "https",
        None => "http",
    };
    // What follows a # would not be sent.
    let path = question.path.replace('#', "%23");
    let url = Url::parse(&format!("{scheme}://{authority}{path}")).map_err(|_| unfit("the path"))?;
    let method = Method::from_bytes(question.method.as_bytes()).map_err(|_| unfit("the method"))?;
    let mut request = Request::new(method, url);
    let headers = request.headers_mut();
    if let Some(named) = named {
        let value = HeaderValue::from_str(&named).map_err(|_| unfit("virtualhost"))?;
        headers.insert(HOST, value);
    }
    login(config, headers)?;
    for (name, value) in &question.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit("a header"))?;
        let mut value = HeaderValue::from_bytes(value.0.as_bytes()).map_err(|_| unfit("a header"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    if let Some(body) = &question.body {
        *request.body_mut() = Some(body.clone().into());
    }
    Ok(request)
}

/// Basic authentication.
fn login(config: &ServiceConfig, headers: &mut HeaderMap) -> Result<(), Reason> {
    let login = &config.settings.login;
    let Some(name) = &login.username else {
        return Ok(());
    };
    let pair = format!("{name}:{}", login.secret());
    let value = format!("Basic {}", openssl::base64::encode_block(pair.as_bytes()));
    let mut value =
        HeaderValue::from_str(&value).map_err(|_| Reason::NotSent("username cannot be sent".into()))?;
    value.set_sensitive(true);
    headers.insert(reqwest::header::AUTHORIZATION, value);
    Ok(())
}

/// Whom the URL names, which is whom TLS asks for and HTTP/2 too, and what HTTP/1.1 says in Host beside it.
fn addressed(config: &ServiceConfig, question: &Web) -> (String, Option<String>) {
    let address = config.connection.destination.to_string();
    let tls = config.settings.tls.as_ref();
    let virtualhost = question.virtualhost.as_deref();
    let name = tls.and_then(|tls| tls.name.as_deref());
    if question.http2 {
        return (virtualhost.or(name).map_or(address, str::to_owned), None);
    }
    let named = virtualhost.or(name).unwrap_or(&address).to_owned();
    let asked = name.or_else(|| Some(host::parts(virtualhost?)?.0));
    let secured = asked.filter(|name| tls.is_some() && name.parse::<IpAddr>().is_err());
    (secured.map_or(address, str::to_owned), Some(named))
}

/// The body, or as much as may be asked of it.
async fn body(mut response: Response) -> Result<Vec<u8>, Reason> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + part.len() > MOST {
            return Err(Reason::Answer(format!("a body of more than {MOST} octets")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Whether the body is what it has to be.
fn judge(question: &Web, body: &[u8]) -> Result<(), Reason> {
    let wrong = |what: String| Err(Reason::Answer(what));
    if let Some(text) = question.contains.as_deref().map(str::as_bytes) {
        let there = text.is_empty() || body.windows(text.len()).any(|part| part == text);
        if !there {
            return wrong("the body does not contain the text".into());
        }
    }
    if question.json.is_empty() {
        return Ok(());
    }
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(body) else {
        return wrong("the body is not JSON".into());
    };
    for (pointer, wanted) in &question.json {
        let Some(found) = document.pointer(pointer) else {
            return wrong(format!("the body has nothing at {pointer}"));
        };
        let same = match found {
            serde_json::Value::String(text) => text == wanted,
            other => serde_json::from_str::<serde_json::Value>(wanted).is_ok_and(|wanted| wanted == *other),
        };
        if !same {
            let found = crate::check::dialogue::said(found.to_string().as_bytes());
            return wrong(format!("the body has {found} at {pointer}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
