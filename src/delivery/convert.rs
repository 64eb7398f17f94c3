//! The conversion of a parcel for a next hop that takes ASCII only (RFC 6152 §3).
//!
//! The converted message is written to the spool for as long as its delivery lasts, so that its size costs no memory. A
//! signature that we made when the message came in is broken by the conversion: it gives way to a new one, made here,
//! behind the last change. The octets are outlined again, and nothing leaves that is not what it should be.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::base::clock::Clock;
use crate::delivery::courier::{Parcel, Reason};
use crate::mail::dkim::{SignFault, Signer};
use crate::mail::edit::{Edited, Edits, Source};
use crate::mail::message::Facts;
use crate::mail::outline::{Bounds, Outline, Outliner};
use crate::mail::seven_bit::{self, Obstacle, Plan};
use crate::smtp::parameter::BodyType;
use crate::smtp::reply::EnhancedCode;
use crate::store::spool::{Body, Spool};

/// Octets that are outlined at once.
const CHUNK_OCTETS: u64 = 256 * 1024;
/// What the outline of a copy may hold: far more than the door lets in, whatever its limits.
const BOUNDS: Bounds = Bounds { header_octets_max: 64 << 20, parts_max: 100_000, depth_max: 1000 };

/// Converts parcels.
pub(super) struct Converter {
    spool: Spool,
    signer: Signer,
    clock: Arc<dyn Clock>,
}

/// Why there is no conversion.
#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    #[error(transparent)]
    Sign(#[from] SignFault),
    #[error("the spool: {0}")]
    Spool(#[from] io::Error),
    #[error("the conversion ended unexpectedly")]
    Ended(#[from] tokio::task::JoinError),
    #[error("the conversion came out wrong")]
    Wrong,
}

impl Converter {
    /// Signs what it converts.
    pub(super) const fn new(spool: Spool, signer: Signer, clock: Arc<dyn Clock>) -> Self {
        Self { spool, signer, clock }
    }

    /// The parcel in ASCII.
    ///
    /// # Errors
    /// What to tell the sender: for good where the message is in the way (RFC 3463 §3.7, X.6.3: conversion required but
    /// not supported), else for the time being.
    pub(super) async fn convert(&self, parcel: &Parcel, hop: &str) -> Result<Parcel, Reason> {
        self.try_to(parcel).await.map_err(|fault| match fault {
            Fault::Obstacle(obstacle @ (Obstacle::Signed | Obstacle::Header | Obstacle::Unclear)) => {
                let text = format!(
                    "the message holds 8-bit text, which {hop} does not take, and it cannot be converted: {obstacle}"
                );
                Reason::local(EnhancedCode(5, 6, 3), text)
            }
            fault => {
                tracing::error!(%fault, "a message could not be converted to ASCII");
                Reason::local(EnhancedCode(4, 3, 0), format!("the message could not be converted for {hop}"))
            }
        })
    }

    async fn try_to(&self, parcel: &Parcel) -> Result<Parcel, Fault> {
        let (body, edits) = (parcel.body.clone(), parcel.edits.clone());
        let (plan, parts) = tokio::task::spawn_blocking(move || plan(&body, &edits)).await??;
        let mut incoming = self.spool.receive();
        for chunk in plan.chunks(&Edited::new(&parcel.body, &parcel.edits)) {
            incoming.write(&chunk?).await?;
        }
        let body = incoming.finish().await?;
        let (copy, signer, now) = (body.clone(), self.signer.clone(), self.clock.now());
        let edits = tokio::task::spawn_blocking(move || {
            let outline = outline(&copy)?;
            if outline.has_eight_bit() || outline.parts.len() != parts {
                return Err(Fault::Wrong);
            }
            let facts = Facts::read(&outline);
            let edits = Edits::default();
            Ok(signer.signed_anew(&copy, &outline.header, &edits, &facts.author_domains(), now)?)
        });
        let edits = edits.await??;
        let mut parameters = parcel.parameters.clone();
        parameters.body = BodyType::SevenBit;
        Ok(Parcel {
            sender: parcel.sender.clone(),
            parameters,
            body,
            edits,
            recipients: parcel.recipients.clone(),
        })
    }
}

/// Whether a header of the copy holds UTF-8, so that it is an internationalised message (RFC 6532 §3). A copy that cannot
/// be read is none: reading it to send it will tell.
pub(super) fn has_utf8_header(parcel: &Parcel) -> bool {
    let outline = outline(&Edited::new(&parcel.body, &parcel.edits));
    outline.is_ok_and(|outline| outline.parts.iter().any(|part| !part.header.is_ascii()))
}

/// What is to change, and of how many parts the result must be.
fn plan(body: &Body, edits: &Edits) -> Result<(Plan, usize), Fault> {
    let copy = Edited::new(body, edits);
    let outline = outline(&copy)?;
    let plan = seven_bit::plan(&copy, &outline)?;
    Ok((plan, outline.parts.len()))
}

fn outline(copy: &dyn Source) -> io::Result<Outline> {
    let mut outliner = Outliner::new(BOUNDS);
    let mut at = 0;
    while at < copy.len() {
        let end = copy.len().min(at + CHUNK_OCTETS);
        outliner.feed(&copy.read(at..end)?);
        at = end;
    }
    Ok(outliner.finish())
}
