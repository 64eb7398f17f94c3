//! `[limits]`: every bound, with its default.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crate::config::Limits;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_octets: 50 * MIB,
            recipients: 1000,
            invitees: 50,
            subject_characters: 256,
            header_octets: 256 * 1024,
            parts: 100,
            depth: 20,
            // RFC 5321 §6.3 asks for a threshold of 100 and more in general; a gateway has few hops before it.
            received_headers: 30,
            command_errors: 20,
            // RFC 5321 §4.5.3.2.7.
            idle: Duration::from_mins(5),
            message_time: Duration::from_mins(10),
            dns_time: Duration::from_secs(10),
            connections: 10_000,
            connections_per_address: 200,
            queued_messages: 100_000,
            web_connections: 1000,
            web_body_octets: 64 * 1024,
            web_request_time: Duration::from_secs(30),
            password_hashes: cores(),
            sign_in_failures: 5,
            sign_in_entries: 100_000,
        }
    }
}

pub(super) fn limits(section: &mut Section<'_>) -> Limits {
    let default = Limits::default();
    let second = Duration::from_secs(1);
    let hour = Duration::from_hours(1);
    let waits = || units::time(second..=hour);
    let many = || units::number(1..=1_000_000);
    Limits {
        message_octets: section.or("message_size", default.message_octets, units::size(64 * KIB..=2 * GIB)),
        // RFC 5321 §4.5.3.1.10 asks for room for 100 recipients.
        recipients: section.or("recipients", default.recipients, units::number(100..=100_000)),
        invitees: section.or("invitees", default.invitees, units::number(1..=1000)),
        subject_characters: section.or(
            "subject_characters",
            default.subject_characters,
            units::number(16..=900),
        ),
        header_octets: section.or(
            "header_size",
            default.header_octets,
            units::size_in_memory(16 * KIB..=4 * MIB),
        ),
        parts: section.or("parts", default.parts, units::number(1..=10_000)),
        depth: section.or("nesting", default.depth, units::number(1..=100)),
        received_headers: section.or("received_headers", default.received_headers, units::number(10..=200)),
        command_errors: section.or("command_errors", default.command_errors, units::number(1..=1000)),
        idle: section.or("idle", default.idle, waits()),
        message_time: section.or("message_time", default.message_time, waits()),
        dns_time: section.or("dns_time", default.dns_time, waits()),
        connections: section.or("connections", default.connections, many()),
        connections_per_address: section.or(
            "connections_per_address",
            default.connections_per_address,
            many(),
        ),
        queued_messages: section.or("queued_messages", default.queued_messages, many()),
        web_connections: section.or("web_connections", default.web_connections, many()),
        web_body_octets: section.or(
            "web_form_size",
            default.web_body_octets,
            units::size_in_memory(16 * KIB..=16 * MIB),
        ),
        web_request_time: section.or("web_request_time", default.web_request_time, waits()),
        password_hashes: section.or("password_hashes", default.password_hashes, hashes),
        sign_in_failures: section.or("sign_in_failures", default.sign_in_failures, units::number(1..=100)),
        sign_in_entries: section.or(
            "sign_in_entries",
            default.sign_in_entries,
            units::number(1000..=10_000_000),
        ),
    }
}

/// A number, or as many as there are cores.
fn hashes(text: &str) -> Result<usize, Wrong> {
    if text == "cores" {
        return Ok(cores());
    }
    units::number(1..=1024)(text)
        .map_err(|wrong| Wrong::new(wrong.problem, "Write \"cores\", or a whole number from 1 to 1024."))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
