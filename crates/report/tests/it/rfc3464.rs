//! Delivery status notifications.

mod appendix_e;
mod section_2_1;
mod section_2_2;
mod section_2_3;

/// A notification with these fields in its delivery status.
fn notification(status: &str) -> String {
    format!(
        "Content-Type: multipart/report; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: message/delivery-status\n\n{status}\n--b--\n"
    )
}
