//! Converts requests to the types of reqwest.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ::reqwest::Url;
use http::Uri;

use super::send_timer::SendTimer;
use crate::service::Request;

/// The last URL, in both types: parsing a URL is a sixth of the cost of a call, and most calls use the same URL or host
/// as the previous call.
#[derive(Default)]
pub(super) struct UrlCache(Mutex<Option<(Uri, Url)>>);

impl fmt::Debug for UrlCache {
    /// Formats the cache without the URL, which may contain private data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlCache")
    }
}

impl UrlCache {
    /// Converts a request; returns `None` if its URI is not a valid URL.
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
        // A URL with credentials is not cached.
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
            "the URL contains the name"
        );
        assert!(!format!("{origin:?}").contains("ada"));
    }

    proptest! {
        /// The URL is the same as one that is parsed as a whole, regardless of earlier requests.
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
