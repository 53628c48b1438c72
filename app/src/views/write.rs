//! What the forms of the page do, and where that leads.

use domain::{Error, ErrorKind, Result, ports::CreateOutcome, saved_view::ViewId, scope::clip_text};
use usecases::Views;

use super::sentences;
use crate::ui::links::href;

/// The page of saved views.
pub(super) const LIST: &str = "/views";

/// A form as it was sent.
pub(super) struct SubmittedForm {
    pub act: String,
    /// The number of a view; 0 for none.
    pub view: i64,
    pub name: String,
    pub link: String,
    pub shared: bool,
    pub key: String,
}

/// Does what a form asks for, and says where it is seen that it was done.
pub(super) async fn write(views: &Views, sent: SubmittedForm) -> Result<String> {
    let id = ViewId(sent.view);
    match &*sent.act {
        "save" => {
            let key = Some(&*sent.key).filter(|key| !key.is_empty());
            match views.create(&sent.name, &sent.link, sent.shared, key).await? {
                CreateOutcome::New(view) | CreateOutcome::Again(view) => Ok(done("saved", Some(view.id))),
                _ => Err(Error::bad_input(sentences::key_used())),
            }
        }
        "change" => {
            let view = views.change(id, Some(&sent.name), Some(sent.shared)).await?;
            Ok(done("changed", Some(view.id)))
        }
        "delete" => match views.delete(id).await {
            // As when it is sent twice.
            Err(e) if e.kind == ErrorKind::NotFound => Ok(done("gone", None)),
            deleted => deleted.map(|()| done("deleted", None)),
        },
        "start" => {
            let id = Some(id).filter(|id| id.0 != 0);
            views.set_start(id).await?;
            Ok(done("start", id))
        }
        other => Err(Error::bad_input(sentences::which_act(clip_text(other)))),
    }
}

fn done(what: &str, view: Option<ViewId>) -> String {
    let view = view.map(|id| ("view".to_owned(), id.0.to_string()));
    href(LIST, &[("done".to_owned(), what.to_owned())].into_iter().chain(view).collect::<Vec<_>>())
}
