//! RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) with SHA-256 for keys of 2048 to 4096 bits, made for WebAssembly.
//!
//! # How it works
//!
//! WebAssembly has no multiplication of 64 by 64 bits into 128, which fast big numbers are made of elsewhere. What
//! it does have are two floating-point multiplications an instruction, and every processor two units or more for them. So
//! a digit is a signed whole number of 24 bits in an `f64` ([`digits`]), and whole numbers of up to 2^53 are
//! exact there: a column of a product adds up 120 products of digits before anything has to be carried
//! ([`product`]). As nothing is ever rounded, it does not matter that a processor may multiply and add in one
//! step or in two (`f64x2.relaxed_madd`): the result is the same everywhere.
//!
//! The Chinese remainder theorem makes one power modulo n two powers modulo p and q, of half the size and of the same
//! course. They are computed side by side, one in each lane of a vector ([`lanes`]), by Montgomery multiplication
//! ([`montgomery`]) and with a window of five bits ([`power`]). The digits of Montgomery's quotient wait for each other;
//! each is made while a block of the row before is added, which hides that.
//!
//! # Why it is safe
//!
//! - *Time.* Which operations are done, on which addresses, follows from the sizes of the primes alone. There is no
//!   comparison, no branch and no index that depends on a secret: signed digits make the final subtraction of
//!   Montgomery's method needless, and the table of powers is read whole, times ones and zeros. Floating-point additions
//!   and multiplications take the same time for all numbers but subnormal ones, and infinities and NaNs; whole numbers
//!   are neither. What precedes and follows the power, divisions by p and q and the joining of the halves, is left
//!   to `crypto-bigint`, which does them in constant time.
//! - *Blinding.* For each signature the primes are multiplied by random numbers of 64 bits (above the 24 that
//!   Montgomery's method determines), and the message and 1 are replaced with random representatives of their
//!   classes. All that is computed on are residues modulo those multiples, so that what a digit is depends on 64 random
//!   bits and more. This is not as much as multiplying with a random r^e gives, which would need an inverse as
//!   dear as the rest; it is a second line behind the constant time, and needs no state.
//! - *Faults.* A signature with one wrong half gives the factors of n away. So each is raised to the public
//!   exponent modulo n, and compared with the message, before it leaves ([`private`], [`public`]). The modulus used for that
//!   was computed from the key before, and not from p and q.
//! - *Memory.* Keys, powers, products and the table are zeroized.
//!
//! # What it does not protect against
//!
//! - Who can measure power or radiation, or inject more than one fault: the exponent is not blinded, nor is
//!   the comparison doubled.
//! - Processors or compilers whose additions and multiplications take longer for some numbers. WebAssembly
//!   promises nothing about time.
//! - Copies that the compiler leaves on the stack or in registers, and temporaries of `crypto-bigint`.
//! - Telling the sizes of unbalanced primes.
//!
//! # Not supported
//!
//! Keys of more than two primes, primes of over 2118 bits and public exponents of over 64 bits:
//! [`PrivateOperation::new`] returns nothing for them. On targets that compute an `f64` with more than its 53 bits (x87) results
//! would be wrong, and so refused.

mod digits;
mod lanes;
mod montgomery;
mod padding;
mod power;
mod private;
mod product;
mod public;

pub(crate) use private::PrivateOperation;
