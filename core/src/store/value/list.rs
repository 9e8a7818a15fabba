//! A list: elements in order, cheap at both ends.

use std::collections::VecDeque;

use super::packed::Element;

/// Elements from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct List {
    elements: VecDeque<Box<[u8]>>,
    /// Bytes of the elements.
    payload: usize,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum End {
    Left,
    Right,
}

impl List {
    /// An empty one; a list has no table to seed.
    pub(super) fn with_seed(_: u64) -> Self {
        Self::default()
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(in crate::store) fn at(&self, index: usize) -> Option<&[u8]> {
        self.elements.get(index).map(|element| &**element)
    }

    /// The element at one end.
    pub(in crate::store) fn end(&self, end: End) -> Option<&[u8]> {
        match end {
            End::Left => self.at(0),
            End::Right => self.at(self.len().checked_sub(1)?),
        }
    }

    pub(in crate::store) fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.elements.iter().map(|element| &**element)
    }

    pub(in crate::store) fn push(&mut self, end: End, element: &[u8]) {
        self.payload += element.len();
        match end {
            End::Left => self.elements.push_front(element.into()),
            End::Right => self.elements.push_back(element.into()),
        }
    }

    pub(in crate::store) fn pop(&mut self, end: End) -> Option<Box<[u8]>> {
        let element = match end {
            End::Left => self.elements.pop_front(),
            End::Right => self.elements.pop_back(),
        }?;
        self.payload -= element.len();
        self.give_back();
        Some(element)
    }

    /// Puts another element in the place of one that is there.
    pub(in crate::store) fn set(&mut self, index: usize, element: &[u8]) {
        let old = &mut self.elements[index];
        self.payload = self.payload - old.len() + element.len();
        *old = element.into();
    }

    /// Puts an element before the one at `index`.
    pub(in crate::store) fn insert(&mut self, index: usize, element: &[u8]) {
        self.payload += element.len();
        self.elements.insert(index, element.into());
    }

    /// Keeps `count` elements from `start` on; gives how many went.
    pub(in crate::store) fn keep(&mut self, start: usize, count: usize) -> usize {
        let before = self.len();
        self.elements.truncate(start.saturating_add(count));
        self.elements.drain(..start.min(self.elements.len()));
        self.payload = self.elements.iter().map(|element| element.len()).sum();
        self.give_back();
        before - self.len()
    }

    /// Takes out elements equal to `wanted`, at most `count_max` of them, counted from `from`; gives how many.
    pub(in crate::store) fn remove(&mut self, wanted: &[u8], count_max: usize, from: End) -> usize {
        let is_wanted = |element: &[u8]| element == wanted;
        let total = self.iter().filter(|element| is_wanted(element)).count();
        let count = total.min(count_max);
        // Of the equal ones, seen from the left, those to go.
        let going = match from {
            End::Left => 0..count,
            End::Right => total - count..total,
        };
        let mut met = 0;
        self.elements.retain(|element| {
            if !is_wanted(element) {
                return true;
            }
            met += 1;
            !going.contains(&(met - 1))
        });
        self.payload -= count * wanted.len();
        self.give_back();
        count
    }

    fn give_back(&mut self) {
        if self.elements.len() < self.elements.capacity() / 4 {
            self.elements.shrink_to(self.elements.len() * 2);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.payload + self.elements.capacity() * size_of::<Box<[u8]>>()
    }
}

impl<'a> Extend<[Element<'a>; 1]> for List {
    fn extend<T: IntoIterator<Item = [Element<'a>; 1]>>(&mut self, elements: T) {
        for [element] in elements {
            self.push(End::Right, element);
        }
    }
}
