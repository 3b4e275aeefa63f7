//! What is sealed in a read model leaves the house opened, for those who may see it, or not at all.

use engine::OpenError;
use kernel::{Sealed, TenantId};
use serde_json::{Map, Value as Json};
use store::TableDef;

use crate::{extract::Caller, permissions::Permission, problem::Problem, state::Api};

/// The sealed columns, by table.
const SEALED: &[(&str, &str)] = &[("orders", "guest_email"), ("sellers", "name")];

/// Whether a column is sealed.
pub(crate) fn is_sealed(table: &TableDef, column: &str) -> bool {
    SEALED.contains(&(table.name, column))
}

/// Opens the sealed columns of rows that are about to be answered. Where the caller may not see what
/// is in them, the columns are left out; what was erased is null.
///
/// # Errors
/// 503 if the keys cannot be read now; 500 if what is stored does not open.
pub(crate) async fn open(
    api: &Api,
    caller: &Caller,
    table: &TableDef,
    rows: &mut [Json],
) -> Result<(), Problem> {
    let sees = caller.may(Permission::SeePersonalData).is_ok();
    let columns = SEALED.iter().filter(|(sealed, _)| *sealed == table.name);
    for (_, column) in columns {
        for fields in rows.iter_mut().filter_map(Json::as_object_mut) {
            if let Some(stored) = fields.remove(*column).filter(|_| sees) {
                put_opened(api, caller.tenant, fields, column, &stored).await?;
            }
        }
    }
    Ok(())
}

async fn put_opened(
    api: &Api,
    tenant: TenantId,
    fields: &mut Map<String, Json>,
    column: &str,
    stored: &Json,
) -> Result<(), Problem> {
    let opened = match stored.as_str() {
        Some(text) => opened(api, tenant, text).await?.map_or(Json::Null, Json::from),
        None => Json::Null,
    };
    fields.insert(column.to_owned(), opened);
    Ok(())
}

/// The text that was sealed; `None` when it is erased.
async fn opened(api: &Api, tenant: TenantId, stored: &str) -> Result<Option<String>, Problem> {
    let unreadable = || Problem::fault("something sealed does not open");
    let sealed: Sealed = serde_json::from_str(stored).map_err(|_| unreadable())?;
    match api.engine.sealer().open(tenant, &sealed).await {
        Ok(plain) => String::from_utf8(plain).map(Some).map_err(|_| unreadable()),
        Err(OpenError::Erased { .. }) => Ok(None),
        Err(OpenError::Log(error)) => Err(error.into()),
        Err(OpenError::Broken { .. }) => Err(unreadable()),
    }
}
