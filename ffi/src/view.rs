//! `doorward_auth`: the context that `doorward_open` made, or a view of it: a realm, a request, a timeout, a queue.

use std::future::Future;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward::{Auth, Result};

use crate::abi::{Bytes, Pairs, RawRequest};
use crate::answer::{Answer, plain};
use crate::boundary::{self, In, Owned, Place, Tag, Versioned, hand_over, invalid};
use crate::config::Builder;
use crate::context::{Base, timed_out, wait_for, with_signals_blocked};
use crate::error::status;
use crate::held::Held;
use crate::log::Registration;
use crate::queue::Queue;
use crate::text::PairList;
use crate::user::UserView;
use crate::{callback, request, wait};

/// Most bytes of a realm as the boundary looks at it; the core says what a realm takes.
const MAX_REALM: usize = 1024;
/// Most bytes of a method or a target: as a request takes them.
const MAX_LINE: usize = 64 * 1024;
/// Contexts that were freed where they cannot be dropped.
static ABANDONED: Mutex<Vec<View>> = Mutex::new(Vec::new());

/// `doorward_auth`: the context that `doorward_open` made, or a view of it.
pub(crate) struct View {
    base: Arc<Base>,
    /// What `doorward_open` gave: closing it stops the context.
    whole: bool,
    /// The core's handle.
    auth: Auth,
    /// What was wrong when it was made: every call says so.
    wrong: Option<String>,
    timeout: Option<Duration>,
    queue: Option<Queue>,
    /// What comes back with each answer that the queue brings.
    tag: Tag,
    /// Names the view's calls in its queue.
    number: u64,
    /// Each look at the header lines, as C holds it until the view is closed.
    lent: Mutex<Vec<PairList>>,
}

impl View {
    /// What `doorward_open` gives.
    pub(crate) fn whole(auth: Auth, log: Option<Registration>) -> Self {
        Self {
            auth: auth.clone(),
            base: Arc::new(Base::cold(auth, log)),
            whole: true,
            wrong: None,
            timeout: None,
            queue: None,
            tag: Tag::none(),
            number: 0,
            lent: Mutex::default(),
        }
    }

    /// A view of this one, with one thing else.
    fn viewed(&self, change: impl FnOnce(&mut Self) -> Result<()>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let mut view = Self {
            base: self.base.clone(),
            whole: false,
            auth: self.auth.clone(),
            wrong: self.wrong.clone(),
            timeout: self.timeout,
            queue: self.queue.clone(),
            tag: self.tag,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            lent: Mutex::default(),
        };
        if let (Err(error), None) = (change(&mut view), &self.wrong) {
            view.wrong = Some(error.message().to_owned());
        }
        view
    }

    /// The core's handle for a call.
    pub(crate) fn called(&self) -> Result<Auth> {
        self.base.open()?;
        match &self.wrong {
            None => Ok(self.auth.clone()),
            Some(wrong) => Err(invalid(wrong.clone())),
        }
    }

    /// Waits for an answer, or leaves it to the queue.
    pub(crate) fn decide<F>(&self, future: F) -> Result<Held>
    where
        F: Future<Output = Result<Held>> + Send + 'static,
    {
        self.base.run(|| match &self.queue {
            None => wait::until(future, self.timeout).unwrap_or_else(|| Err(timed_out())),
            Some(queue) => queue.submit(&self.base, (self.number, self.tag), future, self.timeout),
        })
    }

    /// The final cookies of what was decided on this view so far.
    fn lend_headers(&self) -> Pairs {
        let (headers, list) = (self.auth.headers(), PairList::default());
        let lines = list.lend(headers.iter().map(|(name, value)| (name, value.as_bytes())));
        self.lent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(list);
        lines
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_open(config: In<Builder>, auth: Place<*mut View>) -> Answer {
    auth.write(ptr::null_mut());
    let opened = boundary::caught(|| {
        callback::refuse_inside()?;
        let place = auth.required("auth")?;
        let opened = config.required("config")?.open();
        Ok(opened.map(|(auth, log)| place.write(hand_over(View::whole(auth, log)))))
    });
    Answer::given(match opened {
        Ok(Ok(())) => Held::Nothing(status::OK),
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    })
}

/// Declares functions that make a view: NULL only for a NULL handle.
macro_rules! views {
    ($($name:ident($($operand:ident: $of:ty)?) |$view:ident| $change:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(auth: In<View> $(, $operand: $of)?) -> *mut View {
            boundary::caught_or(ptr::null_mut(), || {
                auth.optional().map_or(ptr::null_mut(), |auth| hand_over(auth.viewed(|$view| $change)))
            })
        }
    )*};
}

views! {
    doorward_on(request: Versioned<RawRequest>) |view| {
        let request = request.read()?.ok_or_else(|| invalid("`request` is NULL".into()))?;
        view.tag = request.tag;
        view.auth = view.auth.on(request::read(&request)?);
        Ok(())
    };
    doorward_realm(name: Bytes) |view| {
        view.auth = view.auth.realm(name.text("realm", MAX_REALM)?)?;
        Ok(())
    };
    doorward_within(timeout: i64) |view| {
        let micros = u64::try_from(timeout).map_err(|_| invalid(format!("`timeout` is {timeout} and takes 0 or more")))?;
        view.timeout = (micros > 0).then(|| Duration::from_micros(micros));
        Ok(())
    };
    doorward_through(queue: In<Queue>) |view| {
        view.queue = Some(queue.required("queue")?.clone());
        Ok(())
    };
    doorward_trusted() |view| {
        view.auth = view.auth.trusted();
        Ok(())
    };
}

#[unsafe(no_mangle)]
extern "C" fn doorward_headers(on: In<View>) -> Pairs {
    boundary::caught_or(Pairs::empty(), || {
        on.optional().map_or_else(Pairs::empty, View::lend_headers)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_http_wants(auth: In<View>, method: Bytes, target: Bytes) -> i64 {
    boundary::caught_or(-1, || {
        let Some(view) = auth.optional() else {
            return -1;
        };
        let (Ok(method), Ok(target)) = (method.bytes("method", MAX_LINE), target.bytes("target", MAX_LINE))
        else {
            return -1;
        };
        let wanted = view.auth.http_wants(method, target);
        wanted.and_then(|most| i64::try_from(most).ok()).unwrap_or(-1)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_cancel(on: In<View>) {
    boundary::caught_or((), || {
        if let Some(View {
            queue: Some(queue),
            number,
            ..
        }) = on.optional()
        {
            queue.cancel(*number);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_start(auth: In<View>) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?;
        auth.called()?;
        auth.base.start()
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_stop(auth: In<View>) -> Answer {
    plain(|| {
        callback::refuse_inside()?;
        auth.required("auth")?.base.stop()
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_before_fork(auth: In<View>) -> Answer {
    plain(|| {
        callback::refuse_inside()?;
        auth.required("auth")?.base.quiesce()
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_migrate(auth: In<View>) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?.called()?;
        with_signals_blocked(|| wait_for(auth.migrate()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_agree(auth: In<View>, item: Bytes) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?.called()?;
        let item = item.text("item", 1024)?;
        with_signals_blocked(|| wait_for(auth.agree(item)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_close(auth: Owned<View>) {
    boundary::caught_or((), || {
        let Some(auth) = auth.take() else { return };
        if auth.whole {
            auth.base.close();
        }
        // In a child of its process its threads are not there and its connections are the parent's: dropping it would
        // wait for the ones and close the others. Inside a callback it would wait for that callback. So it is kept.
        if auth.base.is_of_another_process() || callback::is_inside() {
            ABANDONED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*auth);
            return;
        }
        if auth.whole {
            // What could not be written is in the log; there is nobody left to tell.
            _ = auth.base.stop();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_user_public_attributes(auth: In<View>, user: In<UserView>) -> Bytes {
    let (Some(auth), Some(view)) = (auth.optional(), user.optional()) else {
        return Bytes::empty();
    };
    boundary::caught_or(Bytes::empty(), || view.public_attributes(&auth.auth))
}
