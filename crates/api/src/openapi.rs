//! The OpenAPI document: written from the code, served, and held true by a test.

use actix_web::HttpResponse;
use utoipa::{
    OpenApi,
    openapi::{
        HttpMethod, PathItem, RefOr,
        content::ContentBuilder,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        response::ResponseBuilder,
        schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    problem::Problem,
    resources::{
        adjustments, books,
        catalogue::{LISTS, List},
        chart, disputes, exports, figures, invariants, keys, memberships, operations, orders,
        payments, payouts, periods, personal, refunds, reports, sellers, tenant, webhooks,
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Daybook",
        description = "An event-sourced commerce ledger. Amounts are whole numbers of Stripe's \
            minor units; instants are RFC 3339 in UTC; errors are RFC 9457 problem details.",
        license(name = "Apache-2.0")
    ),
    paths(
        orders::place,
        orders::checkout,
        orders::cancel,
        orders::ship,
        orders::track,
        orders::deliver,
        orders::refund,
        payments::attribute,
        payments::refund,
        refunds::act,
        disputes::act,
        payouts::request,
        payouts::act,
        sellers::register,
        sellers::onboard,
        sellers::schedule,
        sellers::hold,
        sellers::release_hold,
        sellers::write_off,
        memberships::start,
        memberships::pay,
        memberships::cancel,
        memberships::end,
        memberships::refund,
        adjustments::propose,
        adjustments::act,
        periods::close,
        periods::reopen,
        periods::lock,
        periods::revalue,
        chart::open,
        chart::close,
        webhooks::stripe,
        webhooks::stripe_connect,
        webhooks::retry,
        keys::issue,
        keys::rotate,
        keys::revoke,
        tenant::policy,
        tenant::set_policy,
        tenant::set_time_zone,
        tenant::advance_clock,
        operations::healthz,
        operations::readyz,
        operations::metrics,
        operations::status,
        operations::guarantees,
        operations::events,
        exports::stream,
        exports::manifest,
        exports::books,
        operations::rebuild,
        operations::effects,
        operations::stripe_sync,
        books::import,
        books::trial_balance,
        books::hashes,
        reports::catalogue,
        reports::answer,
        invariants::list,
        figures::explain,
        figures::catalogue,
        figures::figure,
        figures::balance,
        figures::restatement
    ),
    components(schemas(Problem))
)]
struct Written;

/// The document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Written::openapi();
    for list in LISTS {
        let item = PathItem::new(HttpMethod::Get, operation_of(list));
        match document.paths.paths.get_mut(list.path) {
            Some(known) => known.get = item.get,
            None => {
                document.paths.paths.insert(list.path.to_owned(), item);
            }
        }
    }
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            name_path_parameters(path, operation);
        }
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    if let Some(components) = &mut document.components {
        components.add_security_scheme("api_key", bearer);
    }
    document
}

/// Every `{name}` of a path is a parameter of its operations.
fn name_path_parameters(path: &str, operation: &mut utoipa::openapi::path::Operation) {
    let known = operation.parameters.get_or_insert_default();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let is_named = known.iter().any(|known| match known {
            RefOr::T(parameter) => parameter.name == name,
            RefOr::Ref(_) => false,
        });
        if !is_named {
            known.push(RefOr::T(parameter(name, ParameterIn::Path)));
        }
    }
}

fn operation_of(list: &List) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new()
        .tag(list.tag)
        .operation_id(Some(list.path.trim_start_matches("/v1/").replace(['/', '{', '}'], "_")))
        .summary(Some(list.table.comment));
    if !list.shared.is_empty() {
        operation = operation.description(Some(format!(
            "A seller's key gets what is about orders that hold lines of his, with these fields \
             only: {}.",
            list.shared.join(", ")
        )));
    }
    for (name, _) in list.path_columns {
        operation = operation.parameter(parameter(name, ParameterIn::Path));
    }
    operation = operation.parameter(parameter("after", ParameterIn::Query));
    if !list.single {
        for name in ["limit", "cursor"].into_iter().chain(list.filters.iter().copied()) {
            operation = operation.parameter(parameter(name, ParameterIn::Query));
        }
    }
    let row = row_schema(list);
    let schema = if list.single {
        row
    } else {
        Schema::Object(
            ObjectBuilder::new()
                .property("data", ArrayBuilder::new().items(RefOr::T(row)).build())
                .property("next_cursor", text())
                .build(),
        )
    };
    let content = ContentBuilder::new().schema(Some(RefOr::T(schema))).build();
    let response =
        ResponseBuilder::new().description(list.what).content("application/json", content);
    operation.response("200", response.build()).build()
}

fn parameter(name: &str, place: ParameterIn) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new().name(name).parameter_in(place).schema(Some(text())).build()
}

fn text() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build())
}

fn row_schema(list: &List) -> Schema {
    let mut object = ObjectBuilder::new();
    for column in &list.table.columns[1..] {
        let kind = match column.kind {
            store::ColumnType::Integer => Type::Integer,
            store::ColumnType::Text | store::ColumnType::Instant => Type::String,
        };
        let description = if personal::is_sealed(&list.table, column.name) {
            "Kept sealed and answered opened; left out for who may not see it, null when erased."
                .to_owned()
        } else {
            column.comment.to_owned()
        };
        let field =
            ObjectBuilder::new().schema_type(SchemaType::Type(kind)).description(Some(description));
        object = object.property(column.name, field.build());
    }
    Schema::Object(object.build())
}

pub(crate) async fn document() -> HttpResponse {
    HttpResponse::Ok().json(openapi())
}
