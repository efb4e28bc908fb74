//! A mock of the API: it finds the operation of a request, and encodes and decodes the input.

use hh_api::types::{CreateProject, KeyRef};
use hh_api::{Endpoint, OpId, Requirement, operations};
use hh_auth::Need;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // All operations have a route, and no two have the same name.
    let mut names: Vec<_> = OpId::ALL.iter().map(|id| format!("{id:?}")).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    for id in OpId::ALL {
        assert!(id.operation().route().path.starts_with('/'), "{id:?}");
    }

    let create = OpId::CreateProject.operation();
    assert_eq!(create.need, Requirement::Need(Need::Admin));
    let input = CreateProject {
        name: "docs".to_owned(),
        description: Some("Product guides".to_owned()),
    };
    let request = create
        .route()
        .encode(&input)
        .map_err(|error| format!("{error:?}"))?;
    assert_eq!(request.target, "/v1/projects");
    assert_eq!(
        serde_json::from_slice::<CreateProject>(&request.body)?,
        input
    );

    let get = operations::GetKey::OPERATION;
    let id = "a/b".to_owned();
    let request = get
        .route()
        .encode(&KeyRef { id })
        .map_err(|error| format!("{error:?}"))?;
    assert_eq!(
        get.route().path_value(&request.target, "id").as_deref(),
        Some("a/b")
    );
    Ok(())
}
