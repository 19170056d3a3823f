//! The header fields of a request that say who made it.

/// Most octets looked at of one field; the rest of a longer one is passed over.
pub const MAX_HEADER_OCTETS: usize = 1024;

/// The header fields of a request that say who made it, as they came. One that is missing is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// User-Agent (RFC 9110 section 10.1.5).
    pub user_agent: Option<&'a [u8]>,
    /// From (RFC 9110 section 10.1.2), which robots send.
    pub from: Option<&'a [u8]>,
    /// Purpose, of Chromium and of older browsers.
    pub purpose: Option<&'a [u8]>,
    /// Sec-Purpose, of the Fetch standard.
    pub sec_purpose: Option<&'a [u8]>,
    /// X-Purpose, of Safari.
    pub x_purpose: Option<&'a [u8]>,
    /// X-Moz, of Firefox.
    pub x_moz: Option<&'a [u8]>,
    /// Sec-Fetch-Mode, of Fetch Metadata: whether somebody navigates, or a page or script fetches.
    pub sec_fetch_mode: Option<&'a [u8]>,
    /// CF-Bot-Score, which Cloudflare adds where that is switched on.
    pub cf_bot_score: Option<&'a [u8]>,
    /// CF-Verified-Bot, likewise.
    pub cf_verified_bot: Option<&'a [u8]>,
    /// Whether a proxy in front says that the client is in a data centre: [`DataCentreMark`](crate::DataCentreMark).
    pub in_data_centre: bool,
}

impl<'a> Headers<'a> {
    /// Takes what `look_up` finds under the name of each field, in lower case. Whether the client is in a data centre is left open.
    #[must_use]
    pub fn look_up(look_up: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        Self {
            user_agent: look_up("user-agent"),
            from: look_up("from"),
            purpose: look_up("purpose"),
            sec_purpose: look_up("sec-purpose"),
            x_purpose: look_up("x-purpose"),
            x_moz: look_up("x-moz"),
            sec_fetch_mode: look_up("sec-fetch-mode"),
            cf_bot_score: look_up("cf-bot-score"),
            cf_verified_bot: look_up("cf-verified-bot"),
            in_data_centre: false,
        }
    }

    /// Whether there is a User-Agent with anything in it.
    pub(crate) fn have_user_agent(&self) -> bool {
        self.user_agent
            .is_some_and(|text| !text.trim_ascii().is_empty())
    }

    /// What is in a field that rules look at.
    pub(crate) const fn get(&self, field: Field) -> Option<&'a [u8]> {
        match field {
            Field::UserAgent => self.user_agent,
            Field::From => self.from,
            Field::Purpose => self.purpose,
            Field::SecPurpose => self.sec_purpose,
            Field::XPurpose => self.x_purpose,
            Field::XMoz => self.x_moz,
            Field::SecFetchMode => self.sec_fetch_mode,
            Field::CfBotScore => self.cf_bot_score,
            Field::CfVerifiedBot => self.cf_verified_bot,
        }
    }
}

/// A field that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    UserAgent,
    From,
    Purpose,
    SecPurpose,
    XPurpose,
    XMoz,
    SecFetchMode,
    CfBotScore,
    CfVerifiedBot,
}

impl Field {
    /// All but User-Agent, which nearly all rules are about, and which is looked at in another way.
    pub(crate) const OTHERS: [Self; 8] = [
        Self::From,
        Self::Purpose,
        Self::SecPurpose,
        Self::XPurpose,
        Self::XMoz,
        Self::SecFetchMode,
        Self::CfBotScore,
        Self::CfVerifiedBot,
    ];
}
