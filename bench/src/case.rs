//! What a case is: an id, a set-up, the operation that is measured and a check of its result.

use std::fmt::{self, Debug};
use std::hint::black_box;

/// The state a case works on, after its set-up.
pub trait Subject {
    /// Puts the subject where the next `run` of so many operations can start. Not measured.
    fn ready(&mut self, _operations: u64) {}

    /// Does the operation so many times. This is what is measured.
    fn run(&mut self, operations: u64);

    /// Whether the last `run` gave the right result. Not measured.
    ///
    /// # Errors
    /// The result and the expected one; the measurement is worthless then.
    fn check(&mut self) -> Result<(), Wrong>;
}

/// A wrong result: what came out and what should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

impl Wrong {
    /// `Ok` when both are equal.
    ///
    /// # Errors
    /// Both values.
    pub fn unless_equal<T: PartialEq + Debug + ?Sized>(got: &T, expected: &T) -> Result<(), Self> {
        if got == expected {
            return Ok(());
        }
        Err(Self(format!("got {got:?}, expected {expected:?}")))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Prepare = Box<dyn Fn() -> Box<dyn Subject> + Send + Sync>;

/// One measured case.
pub struct Case {
    /// `suite/operation/input`, with `+variant` where there is one. The same in every instrument.
    pub id: String,
    /// How many operations one counted run does.
    pub operations: u64,
    /// The most heap allocations one operation may make, where there is such a promise.
    pub allocations_max: Option<f64>,
    prepare: Prepare,
}

impl Case {
    /// A case whose operation is counted 100 times in a run.
    pub fn new<S: Subject + 'static>(
        id: impl Into<String>,
        prepare: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            operations: 100,
            allocations_max: None,
            prepare: Box::new(move || Box::new(prepare())),
        }
    }

    /// Counts another number of operations in a run.
    #[must_use]
    pub fn operations(mut self, operations: u64) -> Self {
        self.operations = operations;
        self
    }

    /// Promises that the operation makes no heap allocation.
    #[must_use]
    pub fn allocates_nothing(mut self) -> Self {
        self.allocations_max = Some(0.0);
        self
    }

    /// Sets the case up and runs it once, so that caches and pools are in their steady state.
    pub fn warm(&self) -> Box<dyn Subject> {
        let mut subject = (self.prepare)();
        subject.ready(self.operations);
        subject.run(self.operations);
        subject.ready(self.operations);
        subject
    }

    /// The first part of the id: the suite.
    pub fn suite(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }
}

type Check<T> = Box<dyn Fn(&T) -> Result<(), Wrong>>;

/// An operation that gives an equally right value each time it is done.
pub struct Repeat<F, T> {
    operation: F,
    check: Check<T>,
    last: Option<T>,
}

impl<T, F: FnMut() -> T> Repeat<F, T> {
    /// `check` is asked about the value of the last operation of a run.
    pub fn new(operation: F, check: impl Fn(&T) -> Result<(), Wrong> + 'static) -> Self {
        Self {
            operation,
            check: Box::new(check),
            last: None,
        }
    }

    /// `operation` must always give `expected`.
    pub fn same(expected: T, operation: F) -> Self
    where
        T: PartialEq + Debug + 'static,
    {
        Self::new(operation, move |last| Wrong::unless_equal(last, &expected))
    }
}

impl<T, F: FnMut() -> T> Subject for Repeat<F, T> {
    fn run(&mut self, operations: u64) {
        let mut last = None;
        for _ in 0..operations {
            last = Some(black_box((self.operation)()));
        }
        self.last = last;
    }

    fn check(&mut self) -> Result<(), Wrong> {
        match &self.last {
            Some(last) => (self.check)(last),
            None => Err(Wrong("did not run".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_result_is_told() {
        let case = Case::new("a/b/c", || Repeat::same(3, || 4));
        let wrong = case.warm().check().unwrap_err();
        assert_eq!(wrong.to_string(), "got 4, expected 3");
        assert_eq!(case.suite(), "a");
    }

    #[test]
    fn a_case_that_did_not_run_is_wrong() {
        let mut never = Repeat::same(1, || 1);
        assert!(never.check().is_err());
        never.run(1);
        assert!(never.check().is_ok());
    }
}
