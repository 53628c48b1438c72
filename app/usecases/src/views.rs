//! Saved views: each for the one who keeps it, or for all.

use std::sync::Arc;

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize, can},
    ports::{ChangeOutcome, Clock, CreateOutcome, IdempotencyKey, SavedViews},
    saved_view::{MAX_VIEWS, NewView, SavedView, ViewId, ViewLink, ViewName},
};
use sha2::{Digest, Sha256};

use crate::{access::secret, sentences};

/// The longest key of a write, in characters.
const MAX_KEY: usize = 255;
/// The fields of a view that errors name ([`Error::field`]).
const NAME: &str = "name";
const LINK: &str = "link";
const SHARED: &str = "shared";

/// What somebody may know of saved views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorViews {
    /// By name.
    pub views: Vec<SavedView>,
    /// The one to start with instead of the overview.
    pub start: Option<ViewId>,
}

/// Saved views, as far as one actor may see and change them.
#[derive(Clone)]
pub struct Views {
    actor: Actor,
    store: Arc<dyn SavedViews>,
    clock: Arc<dyn Clock>,
    pages: Arc<[String]>,
}

impl Views {
    /// For the operator; see [`Views::for_actor`]. `pages` are the paths of pages to which a view may lead ([`ViewLink::parse`]).
    #[must_use]
    pub fn new(store: Arc<dyn SavedViews>, clock: Arc<dyn Clock>, pages: Vec<String>) -> Self {
        Self { actor: Actor::Operator, store, clock, pages: pages.into() }
    }

    /// The same for somebody else.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// Shared views and the actor's own.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see views; `Unavailable` when they cannot be read.
    pub async fn list(&self) -> Result<ActorViews> {
        authorize(&self.actor, Action::ReadViews, Object::Any)?;
        let views = self.store.views(self.actor.name()).await?;
        let start = match self.actor.name() {
            Some(owner) => self.store.start(owner).await?.map(|v| v.id),
            None => None,
        };
        Ok(ActorViews { views, start })
    }

    /// The view to start with instead of the overview, where the actor chose one that it may still see.
    ///
    /// # Errors
    /// As [`Views::list`].
    pub async fn start(&self) -> Result<Option<SavedView>> {
        authorize(&self.actor, Action::ReadViews, Object::Any)?;
        match self.actor.name() {
            Some(owner) => self.store.start(owner).await,
            None => Ok(None),
        }
    }

    /// Whether the actor may rename, share and delete a view.
    #[must_use]
    pub fn may_change(&self, view: &SavedView) -> bool {
        can(&self.actor, Action::WriteViews, object(view, view.shared))
    }

    /// Whether the actor owns a view.
    #[must_use]
    pub fn is_own(&self, view: &SavedView) -> bool {
        self.actor.name() == Some(&*view.owner)
    }

    /// Whether the actor may keep views, or, if `shared`, share them.
    #[must_use]
    pub fn may_keep(&self, shared: bool) -> bool {
        self.actor
            .name()
            .is_some_and(|owner| can(&self.actor, Action::WriteViews, Object::MetricsSnapshot { owner, shared }))
    }

    /// Keeps a view. A key makes it safe to ask again: the same request gets the same answer and keeps nothing more.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not keep such a view; `BadInput` for a name, an address or a key that is none, a name that the
    /// actor has given already, and one view too many; `Unavailable` when it cannot be written.
    pub async fn create(
        &self,
        name: &str,
        link: &str,
        shared: bool,
        key: Option<&str>,
    ) -> Result<CreateOutcome<SavedView>> {
        let owner = self.owner()?;
        self.may_share(shared)?;
        authorize(&self.actor, Action::WriteViews, Object::MetricsSnapshot { owner, shared })?;
        let now = self.clock.now();
        let (name, link) = (view_name(name)?, ViewLink::parse(link, &self.pages, now).map_err(|e| e.at(LINK))?);
        let key = key.map(|key| write_key(key, &name, &link, shared)).transpose()?;
        let new = NewView { name, link, shared, owner: owner.to_owned() };
        let created = self.store.create(&new, key.as_ref(), now, MAX_VIEWS).await?;
        match &created {
            CreateOutcome::New(view) => {
                tracing::info!(actor = owner, view = view.id.0, shared, "a view was saved");
            }
            CreateOutcome::Again(_) | CreateOutcome::OtherRequest => {}
            CreateOutcome::NameTaken => return Err(name_taken(&new.name)),
            CreateOutcome::TooMany => {
                return Err(Error::bad_input(sentences::too_many_views(MAX_VIEWS)));
            }
        }
        Ok(created)
    }

    /// Gives a view another name, or shares it, or shares it no more: then it is its owner's alone.
    ///
    /// # Errors
    /// `NotFound` for one that the actor may not see; `Forbidden` for one that it may not change; otherwise as [`Views::create`].
    pub async fn change(&self, id: ViewId, name: Option<&str>, shared: Option<bool>) -> Result<SavedView> {
        let view = self.changeable(id).await?;
        let shared = shared.unwrap_or(view.shared);
        self.may_share(shared)?;
        let name = name.map_or_else(|| Ok(view.name.clone()), view_name)?;
        let at = self.clock.now();
        match self.store.change(&view, &name, shared, at).await? {
            ChangeOutcome::Done => {}
            ChangeOutcome::Gone => return Err(unknown(id)),
            ChangeOutcome::NameTaken => return Err(name_taken(&name)),
        }
        tracing::info!(actor = self.owner()?, view = id.0, shared, "a view was changed");
        Ok(SavedView { name, shared, changed: at, ..view })
    }

    /// Deletes a view. Whoever started with it starts with the overview.
    ///
    /// # Errors
    /// As [`Views::change`].
    pub async fn delete(&self, id: ViewId) -> Result<()> {
        let view = self.changeable(id).await?;
        if self.store.delete(&view).await? != ChangeOutcome::Done {
            return Err(unknown(id));
        }
        tracing::info!(actor = self.owner()?, view = id.0, shared = view.shared, "a view was deleted");
        Ok(())
    }

    /// Chooses the view to start with, or the overview.
    ///
    /// # Errors
    /// `Forbidden` for whoever has nothing of their own; `NotFound` for a view that the actor may not see; `Unavailable` when it
    /// cannot be written.
    pub async fn set_start(&self, id: Option<ViewId>) -> Result<()> {
        authorize(&self.actor, Action::WriteViews, Object::Any)?;
        let owner = self.owner()?;
        match (self.store.set_start(owner, id).await?, id) {
            (ChangeOutcome::Gone, Some(id)) => return Err(unknown(id)),
            _ => tracing::info!(actor = owner, view = id.map(|id| id.0), "a start page was chosen"),
        }
        Ok(())
    }

    /// A view that the actor may see and change.
    ///
    /// # Errors
    /// `NotFound` for one that the actor may not see; `Forbidden` for one that it may not change; `Unavailable` when it cannot be
    /// read.
    pub async fn changeable(&self, id: ViewId) -> Result<SavedView> {
        authorize(&self.actor, Action::WriteViews, Object::Any)?;
        let found = self.store.view(id).await?;
        // One that is not to be seen is as unknown as one that is not there.
        let view =
            found.filter(|v| can(&self.actor, Action::ReadViews, object(v, v.shared))).ok_or_else(|| unknown(id))?;
        authorize(&self.actor, Action::WriteViews, object(&view, view.shared))?;
        Ok(view)
    }

    fn may_share(&self, shared: bool) -> Result<()> {
        if shared && !self.may_keep(true) {
            return Err(Error::forbidden(sentences::only_operators_share()).at(SHARED));
        }
        Ok(())
    }

    fn owner(&self) -> Result<&str> {
        authorize(&self.actor, Action::WriteViews, Object::Any)?;
        // Whoever may write views has a name; see [`can`].
        self.actor.name().ok_or_else(|| Error::forbidden(sentences::nobody_s_views()))
    }
}

fn object(view: &SavedView, shared: bool) -> Object<'_> {
    Object::MetricsSnapshot { owner: &view.owner, shared }
}

fn unknown(id: ViewId) -> Error {
    Error::not_found(sentences::no_view(id.0))
}

fn view_name(text: &str) -> Result<ViewName> {
    ViewName::parse(text).map_err(|e| e.at(NAME))
}

fn name_taken(name: &ViewName) -> Error {
    Error::bad_input(sentences::view_exists(name.as_str())).at(NAME)
}

/// A key for a write that a form sends: however often it is sent, it is done once.
///
/// # Errors
/// `Unavailable` when the operating system gives no random numbers.
pub fn new_key() -> Result<String> {
    secret()
}

/// The key of a write and the hash of what it asks for, as it was understood: other spaces in the body are no other request.
fn write_key(key: &str, name: &ViewName, link: &ViewLink, shared: bool) -> Result<IdempotencyKey> {
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::bad_input(sentences::bad_key(MAX_KEY)));
    }
    let request = serde_json::json!(["view", name, link, shared]).to_string();
    Ok(IdempotencyKey { key: key.to_owned(), request: Sha256::digest(request.as_bytes()).into() })
}
