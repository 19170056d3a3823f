//! Feedback reports.

mod appendix_b;
mod section_3;
