//! Requests in reqwest's own type, with its own kind of URL.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ::reqwest::Url;
use http::Uri;

use super::send_timer::SendTimer;
use crate::service::Request;

/// Where the last request went, in both kinds of URL: to parse one is a sixth of a call, and most calls go where the one
/// before them went, or at least to the same host.
#[derive(Default)]
pub(super) struct UrlCache(Mutex<Option<(Uri, Url)>>);

impl fmt::Debug for UrlCache {
    /// Without the URL: what is asked for is nobody else's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

impl UrlCache {
    /// Converts a request; `None` if its URI is not one that can be sent to.
    pub(super) fn request(
        &self,
        request: Request,
        sending: &SendTimer,
    ) -> Option<::reqwest::Request> {
        let (parts, body) = request.into_parts();
        let mut request = ::reqwest::Request::new(parts.method, self.url(&parts.uri)?);
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(sending.body(body));
        Some(request)
    }

    fn url(&self, uri: &Uri) -> Option<Url> {
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut url = match &*last {
            Some((asked, url)) if asked == uri => return Some(url.clone()),
            Some((asked, url))
                if asked.scheme() == Some(scheme) && asked.authority() == Some(authority) =>
            {
                url.clone()
            }
            Some(_) | None => Url::parse(&format!("{scheme}://{authority}")).ok()?,
        };
        url.set_path(uri.path());
        url.set_query(uri.query());
        // A user's password is not kept.
        if !authority.as_str().contains('@') {
            *last = Some((uri.clone(), url.clone()));
        }
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_url_is_not_shown() {
        let origin = UrlCache::default();
        let asked = "https://h.test/a?name=ada".parse::<Uri>().unwrap();
        assert!(
            format!("{:?}", origin.url(&asked)).contains("ada"),
            "it is there to be shown"
        );
        assert!(!format!("{origin:?}").contains("ada"));
    }

    proptest! {
        /// Whatever was asked for before, the URL is the one that the text as a whole would be.
        #[test]
        fn same_as_parsed_whole(
            texts in proptest::collection::vec(
                r#"(http|https|HTTP|ftp)://(u:p@)?(localhost|Ex\.org|127\.1|\[::1\]|xn--a|a_b|1\.2\.3)(:80|:443|:8080|:)?(/[./a%2eE\\|~;:@!$&'()*+,={}\[\]^`"<>-]{0,12}){0,4}(\?[?/a%2eE\\|'`{}=&+-]{0,12})?"#,
                1..6,
            )
        ) {
            let origin = UrlCache::default();
            for text in texts.iter().flat_map(|text| [text, text]) {
                let Ok(uri) = text.parse::<Uri>() else { continue };
                prop_assert_eq!(origin.url(&uri), Url::parse(&uri.to_string()).ok(), "{}", text);
            }
        }
    }
}
