//! Every table there is, on one page: the octet its keys begin with, and the version its records are written in.
//!
//! A prefix is never used again for something else, and the form of a record never changes without its version:
//! a program that meets a version it does not know says so, and does not guess. The books give each line its
//! types (`Table::new(schema::SESSIONS)`).

/// What the keys of a table begin with, and in which version its records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TablePrefix {
    /// First octet of every key.
    pub octet: u8,
    /// Version of the records written now.
    pub record: u8,
}

/// The store's own notes. Not a table.
pub(super) const NOTES: u8 = 0x00;

/// Accounts by their id.
pub const ACCOUNTS: TablePrefix = TablePrefix { octet: 0x10, record: 3 };
/// Which account an address belongs to.
pub const ACCOUNT_ADDRESSES: TablePrefix = TablePrefix { octet: 0x11, record: 1 };
/// Web sessions by the hash of their token.
pub const SESSIONS: TablePrefix = TablePrefix { octet: 0x12, record: 2 };
/// The same sessions by the moment they end, then the hash.
pub const SESSION_ENDS: TablePrefix = TablePrefix { octet: 0x13, record: 3 };
/// The same by their account, then the hash.
pub const ACCOUNT_SESSIONS: TablePrefix = TablePrefix { octet: 0x14, record: 1 };
/// Who has still to prove an address, by the address.
pub const APPLICANTS: TablePrefix = TablePrefix { octet: 0x15, record: 1 };
/// What the links in mails about accounts are for, by the hash of their word.
pub const WORDS: TablePrefix = TablePrefix { octet: 0x16, record: 2 };
/// The same by the moment they end, then the hash.
pub const WORD_ENDS: TablePrefix = TablePrefix { octet: 0x17, record: 1 };
/// When accounts were used last, by the account.
pub const USES: TablePrefix = TablePrefix { octet: 0x18, record: 1 };
/// The same by the moment, then the account.
pub const USES_IN_ORDER: TablePrefix = TablePrefix { octet: 0x19, record: 1 };

/// Accounts of people in the organisation's directory, by what identifies them there for good.
pub const DIRECTORY_IDS: TablePrefix = TablePrefix { octet: 0x1C, record: 1 };

/// Invitations by their id.
pub const INVITATIONS: TablePrefix = TablePrefix { octet: 0x20, record: 4 };
/// Which invitation a link belongs to, by the hash of its token.
pub const LINKS: TablePrefix = TablePrefix { octet: 0x21, record: 2 };
/// What inviters are asked to approve, by the hash of the word in their mail.
pub const APPROVALS: TablePrefix = TablePrefix { octet: 0x22, record: 1 };
/// The last invitation between two people: inviter, then invitee.
pub const PENDING: TablePrefix = TablePrefix { octet: 0x23, record: 1 };
/// When invitations expire: that moment, then the invitation.
pub const EXPIRIES: TablePrefix = TablePrefix { octet: 0x24, record: 1 };
/// What a mail has invited, by its id.
pub const RECEIPTS: TablePrefix = TablePrefix { octet: 0x25, record: 1 };
/// How many invitations were sent lately, by the hash of who sent them (and to whom).
pub const TALLIES: TablePrefix = TablePrefix { octet: 0x28, record: 1 };
/// The same by the moment from which on they may be empty.
pub const TALLY_ENDS: TablePrefix = TablePrefix { octet: 0x29, record: 1 };

/// Keys of this gateway's own, by a number.
pub const KEYS: TablePrefix = TablePrefix { octet: 0x2F, record: 1 };

/// Messages in the queue by their id.
pub const MESSAGES: TablePrefix = TablePrefix { octet: 0x30, record: 1 };
/// Envelopes of a message: its id, then a number.
pub const ENVELOPES: TablePrefix = TablePrefix { octet: 0x31, record: 2 };

/// Invitations of one inviter, the last one first: the address's key, then the id with its octets inverted.
pub const INVITED_BY: TablePrefix = TablePrefix { octet: 0x50, record: 1 };

/// Questions to identity providers by the hash of the browser's token.
pub const SAML_REQUESTS: TablePrefix = TablePrefix { octet: 0x60, record: 1 };
/// The same by the moment from which on no answer is good.
pub const SAML_REQUEST_ENDS: TablePrefix = TablePrefix { octet: 0x61, record: 1 };
/// Web sessions by whom an identity provider vouched for: a hash of both names, then the session's.
pub const SAML_SESSIONS: TablePrefix = TablePrefix { octet: 0x62, record: 1 };
/// Sign-outs that identity providers have told of: until when the word is good, then the hash of its id.
pub const SAML_SIGN_OUTS: TablePrefix = TablePrefix { octet: 0x63, record: 1 };

/// Packages by their id.
pub const PACKAGES: TablePrefix = TablePrefix { octet: 0x40, record: 1 };
/// Files of a package: its id, then a number.
pub const FILES: TablePrefix = TablePrefix { octet: 0x41, record: 1 };
/// Packages by the guest they come from, the newest first.
pub const PACKAGES_SENT: TablePrefix = TablePrefix { octet: 0x42, record: 1 };
/// Packages by the address they have come to, the newest first.
pub const PACKAGES_RECEIVED: TablePrefix = TablePrefix { octet: 0x43, record: 1 };
/// Packages by the moment at which somebody must see to them.
pub const PACKAGES_DUE: TablePrefix = TablePrefix { octet: 0x44, record: 1 };
/// Packages that wait for the virus scanner.
pub const PACKAGES_CHECKED: TablePrefix = TablePrefix { octet: 0x45, record: 1 };
/// How much each guest has here.
pub const USAGES: TablePrefix = TablePrefix { octet: 0x46, record: 1 };

/// What administrators have set in place of what the file says, by the key of the setting.
pub const SWITCHES: TablePrefix = TablePrefix { octet: 0x7C, record: 1 };

/// Invitations, the last one first.
pub const INVITATIONS_NEWEST: TablePrefix = TablePrefix { octet: 0x7D, record: 1 };
/// Packages, the newest first.
pub const PACKAGES_NEWEST: TablePrefix = TablePrefix { octet: 0x7E, record: 1 };
/// People who have left guests behind, by the key of their address.
pub const VACANCIES: TablePrefix = TablePrefix { octet: 0x70, record: 1 };
/// When such a guest was warned: the same key, then the guest.
pub const VACANCY_WARNINGS: TablePrefix = TablePrefix { octet: 0x71, record: 1 };

/// Where the rest of a record lies that is too long for one cell. Not a table.
pub(super) const CONTINUATIONS: u8 = 0xFF;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_tables_share_a_prefix() {
        let tables = [
            ACCOUNTS,
            ACCOUNT_ADDRESSES,
            SESSIONS,
            SESSION_ENDS,
            DIRECTORY_IDS,
            ACCOUNT_SESSIONS,
            APPLICANTS,
            WORDS,
            WORD_ENDS,
            USES,
            USES_IN_ORDER,
            INVITATIONS,
            LINKS,
            APPROVALS,
            PENDING,
            TALLIES,
            TALLY_ENDS,
            EXPIRIES,
            RECEIPTS,
            KEYS,
            MESSAGES,
            ENVELOPES,
            INVITED_BY,
            SAML_REQUESTS,
            SAML_REQUEST_ENDS,
            SAML_SESSIONS,
            SAML_SIGN_OUTS,
            PACKAGES,
            FILES,
            PACKAGES_SENT,
            PACKAGES_RECEIVED,
            PACKAGES_DUE,
            PACKAGES_CHECKED,
            USAGES,
            VACANCIES,
            VACANCY_WARNINGS,
            SWITCHES,
            INVITATIONS_NEWEST,
            PACKAGES_NEWEST,
        ];
        let octets: HashSet<u8> =
            tables.iter().map(|table| table.octet).chain([NOTES, CONTINUATIONS]).collect();
        assert_eq!(octets.len(), tables.len() + 2);
    }
}
