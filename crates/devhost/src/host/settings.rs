//! `spin:variables`.

use wasmtime::component::{Accessor, HasSelf};

use super::{bindings::spin::variables::variables, guest::Guest};
use crate::variables::check_name;

impl variables::Host for Guest {}

impl<U: Send> variables::HostWithStore<U> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<U, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables::Error>> {
        Ok(accessor.with(|mut access| access.get().setting(&name)))
    }
}

impl Guest {
    fn setting(&self, name: &str) -> Result<String, variables::Error> {
        check_name(name).map_err(|error| variables::Error::InvalidName(error.to_string()))?;
        let value = self.component.variables.get(name).cloned();
        value.ok_or_else(|| {
            variables::Error::Undefined(format!("the component has no variable '{name}'"))
        })
    }
}
