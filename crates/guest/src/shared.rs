//! What an instance makes once and every request of it uses.

use std::cell::OnceCell;
use std::rc::Rc;
use std::thread::LocalKey;

/// The cell a component keeps its state in.
pub type Shared<T> = LocalKey<OnceCell<Rc<T>>>;

/// The state in `cell`, made by `make` if there is none. When two requests make it at once, both use what was there first.
///
/// # Errors
/// When `make` fails; the next request tries again.
pub async fn shared<T, E>(
    cell: &'static Shared<T>,
    make: impl AsyncFnOnce() -> Result<T, E>,
) -> Result<Rc<T>, E> {
    if let Some(made) = cell.with(|cell| cell.get().cloned()) {
        return Ok(made);
    }
    let made = Rc::new(make().await?);
    Ok(cell.with(|cell| Rc::clone(cell.get_or_init(|| made))))
}
