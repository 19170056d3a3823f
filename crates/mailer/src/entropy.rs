//! The port [`Entropy`] as the generator that cryptographic crates take.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::ports::Entropy;

/// A generator that draws from the port.
#[derive(Debug)]
pub struct Rng<'a, P>(pub &'a P);

impl<P: Entropy> TryRng for Rng<'_, P> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl<P: Entropy> TryCryptoRng for Rng<'_, P> {}
