//! RFC 6376, a module for each section.

mod appendix_a;
mod section_3_4;
mod section_3_6;
mod section_5;
mod section_6_1;
mod setup;
