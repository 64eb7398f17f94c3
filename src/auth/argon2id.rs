//! One argon2id hash (RFC 9106), in memory that goes back to the system when it is made.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{
    CustomizedPasswordHasher, Error as PhcError, PasswordHasher, PasswordVerifier, Result as PhcResult,
};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::base::secret::Secret;

/// KiB of memory for one hash: 19 MiB, with two passes and one lane (OWASP's first choice of
/// argon2id parameters for machines that do other things too).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes; one, since several people sign in at once and one of them never needs all cores.
const LANES: u32 = 1;
/// Blocks of 1 KiB that are asked for, though fewer are touched. The allocator of the GNU C library keeps what it was
/// given back, for each of up to eight arenas a core; only what is larger than 32 MiB it always maps and unmaps
/// (mallopt(3), `M_MMAP_THRESHOLD`). Without this a few dozen sign-ins leave the daemon with hundreds of MiB for good.
const BLOCKS_MAPPED: usize = 33 * 1024;

/// The PHC string to keep for a password, with a salt of its own.
pub fn phc_of(password: &Secret) -> PhcResult<String> {
    Ok(Hasher::new()?.hash_password(password.reveal().as_bytes())?.to_string())
}

/// Whether the password is the one behind this PHC string, by whatever parameters the string has.
pub fn is_behind(password: &Secret, phc: &str) -> PhcResult<bool> {
    match Hasher::new()?.verify_password(password.reveal().as_bytes(), &PasswordHash::new(phc)?) {
        Ok(()) => Ok(true),
        Err(PhcError::PasswordInvalid) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The algorithm with its parameters.
struct Hasher(Params);

impl Hasher {
    fn new() -> PhcResult<Self> {
        Params::new(MEMORY_KIB, PASSES, LANES, None).map(Self).map_err(|_| PhcError::ParamsInvalid)
    }
}

impl PasswordHasher<PasswordHash> for Hasher {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> PhcResult<PasswordHash> {
        let salt = Salt::new(salt)?;
        let blocks = self.0.block_count();
        let mut memory = Vec::with_capacity(blocks.max(BLOCKS_MAPPED));
        memory.resize(blocks, Block::new());
        let mut output = vec![0; self.0.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.0.clone()).hash_password_into_with_memory(
            password,
            &salt,
            &mut output,
            &mut memory,
        )?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.0)?,
            salt: Some(salt),
            hash: Some(Output::new(&output)?),
        })
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        parameters: Params,
    ) -> PhcResult<PasswordHash> {
        if algorithm.is_some_and(|name| name != Algorithm::Argon2id.as_str()) {
            return Err(PhcError::Algorithm);
        }
        if version.is_some_and(|version| version != u32::from(Version::V0x13)) {
            return Err(PhcError::Version);
        }
        Self(parameters).hash_password_with_salt(password, salt)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::*;

    #[test]
    fn a_string_by_another_program_is_understood() {
        let secret = Secret::new("violet tractor seven");
        let params = Params::new(64, 3, 2, Some(24)).unwrap();
        let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let phc = theirs.hash_password(secret.reveal().as_bytes()).unwrap().to_string();
        assert!(is_behind(&secret, &phc).unwrap());
        assert!(!is_behind(&Secret::new("violet tractor eight"), &phc).unwrap());
        let ours = phc_of(&secret).unwrap();
        assert!(Argon2::default().verify_password(secret.reveal().as_bytes(), ours.as_str()).is_ok());
        for other in [phc.replacen("argon2id", "argon2d", 1), phc.replacen("v=19", "v=16", 1), String::new()]
        {
            assert!(is_behind(&secret, &other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        const CROWD: usize = 12;
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            // proc_pid_statm(5): the second figure is in pages, here of 4 KiB at least.
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
        };
        let before = resident();
        // One after the other, each in a thread that stays: so each has an arena of its own.
        let done = Arc::new(Barrier::new(CROWD + 1));
        let crowd: Vec<_> = (0..CROWD)
            .map(|_| {
                let (done, (tell, told)) = (Arc::clone(&done), std::sync::mpsc::channel());
                let thread = thread::spawn(move || {
                    let phc = phc_of(&Secret::new("violet tractor seven"));
                    tell.send(phc.is_ok()).unwrap();
                    done.wait();
                });
                assert!(told.recv().unwrap());
                thread
            })
            .collect();
        let after = resident();
        done.wait();
        for thread in crowd {
            thread.join().unwrap();
        }
        // Half of what the crowd used; the other tests of this process use some meanwhile.
        let limit = CROWD * MEMORY_KIB as usize / 2;
        assert!(after < before + limit, "{before} KiB before, {after} KiB after");
    }
}
