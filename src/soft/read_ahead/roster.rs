//! Who reads, who watches, who sleeps: the numbers behind [`super`], changed under its lock.

/// Threads, however many of them make no headway.
const MOST: u32 = 16;
/// Ticks without anything to watch until the one that watches ends.
const IDLE_TICKS: u32 = 2;

/// The threads, and how much there is for them.
pub struct Roster {
    /// Reads that nobody has.
    pub len: u32,
    threads: u32,
    /// Those of them that have a read.
    reading: u32,
    /// Counts the reads that were begun.
    begun: u32,
    /// One of them watches.
    is_watched: bool,
    /// One was woken or started, and none that was idle has looked since.
    is_called: bool,
    /// Only a thread can make another: there is one that does not read as long as one does.
    is_private: bool,
}

/// Who is missing, and is to be called.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub enum Need {
    /// Nobody is.
    Nobody,
    /// One that sleeps.
    Sleeper,
    /// A new one, which counts already.
    Thread,
}

/// What a thread knows of itself.
#[derive(Default)]
pub struct Thread {
    /// It has had a read since it last looked.
    pub has_read: bool,
    /// It is the one that watches.
    pub watches: bool,
    /// What had been begun when it last looked.
    begun: u32,
    /// Ticks for which there was nothing to watch.
    idle: u32,
}

/// What a thread does next.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub enum Next {
    /// Reads, and calls who is missing then.
    Read(Need),
    /// Sleeps until it is woken: for a tick if it watches, else for as long as it may linger.
    Sleep,
    /// Ends: it does not count any more.
    End,
}

impl Roster {
    /// Nobody, and nothing to do.
    pub const fn new(is_private: bool) -> Self {
        Roster {
            len: 0,
            threads: 0,
            reading: 0,
            begun: 0,
            is_watched: false,
            is_called: false,
            is_private,
        }
    }

    /// There is one more read.
    pub fn add(&mut self) -> Need {
        self.len += 1;
        self.need(!self.is_private || self.threads == 0)
    }

    /// Whether a read that is added now finds somebody, sooner or later.
    pub fn has_anybody(&self) -> bool {
        !self.is_private
            || self.threads == 0
            || self.is_called
            || self.threads > self.reading
            || self.threads == MOST
    }

    /// Somebody has to read, and somebody to watch: a new one only if it may be made.
    fn need(&mut self, may_be_made: bool) -> Need {
        let has_all = self.reading > 0 && self.is_watched;
        if self.is_called || has_all {
            return Need::Nobody;
        }
        let sleeps = self.threads > self.reading;
        let is_in_vain = if sleeps { self.len == 0 } else { !may_be_made || self.threads == MOST };
        if is_in_vain || (self.len == 0 && !self.is_private) {
            return Need::Nobody;
        }
        self.is_called = true;
        if sleeps {
            return Need::Sleeper;
        }
        self.threads += 1;
        Need::Thread
    }

    /// What a thread does that has just started, was woken, has `timed_out` or done a read.
    pub fn decide(&mut self, me: &mut Thread, timed_out: bool, hurries: bool) -> Next {
        match core::mem::take(&mut me.has_read) {
            true => self.reading -= 1,
            false => self.is_called = false,
        }
        let is_stuck = me.watches && timed_out && self.begun == me.begun;
        if self.len > 0 && (self.reading == 0 || is_stuck) {
            self.len -= 1;
            self.reading += 1;
            self.begun = self.begun.wrapping_add(1);
            self.is_watched &= !core::mem::take(&mut me.watches);
            me.has_read = true;
            return Next::Read(self.need(true));
        }
        me.begun = self.begun;
        me.idle = if timed_out && self.len == 0 { me.idle + 1 } else { 0 };
        let is_spare = self.is_private && self.reading > 0 && self.threads == self.reading + 1;
        let lingered = !is_spare && if me.watches { me.idle >= IDLE_TICKS } else { timed_out };
        let is_missed = self.len > 0 && (me.watches || !self.is_watched);
        if (lingered || hurries) && !is_missed {
            self.is_watched &= !me.watches;
            self.threads -= 1;
            return Next::End;
        }
        me.watches |= !core::mem::replace(&mut self.is_watched, true);
        Next::Sleep
    }

    /// One that was to end does not: it is counted, and sleeps.
    pub fn stay(&mut self, me: &mut Thread) -> Next {
        self.threads += 1;
        self.is_watched |= me.watches;
        Next::Sleep
    }

    /// One that was to start could not: true when there is none at all, and the caller does what there is.
    pub fn could_not_start(&mut self) -> bool {
        self.threads -= 1;
        self.is_called = false;
        self.threads == 0
    }

    /// How many have a read, and how many do not.
    pub fn busy_and_idle(&self) -> (u32, u32) {
        (self.reading, self.threads - self.reading)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[derive(Default)]
    struct Simulated {
        me: Thread,
        /// It was woken or started and has not looked yet.
        is_awake: bool,
    }

    #[derive(Default)]
    struct Simulation {
        threads: Vec<Simulated>,
    }

    impl Simulation {
        fn call(&mut self, need: Need, random: u32) {
            let asleep = |t: &&mut Simulated| !t.me.has_read && !t.is_awake;
            match need {
                Need::Nobody => {}
                Need::Thread => {
                    self.threads.push(Simulated { is_awake: true, ..Simulated::default() })
                }
                Need::Sleeper => {
                    let count = self.threads.iter_mut().filter(asleep).count();
                    // Who is on the way to sleep sees the call as well.
                    if count > 0 {
                        let at = random as usize % count;
                        self.threads.iter_mut().filter(asleep).nth(at).unwrap().is_awake = true;
                    }
                }
            }
        }

        fn look(&mut self, roster: &mut Roster, at: usize, timed_out: bool, random: u32) {
            let thread = &mut self.threads[at];
            thread.is_awake = false;
            match roster.decide(&mut thread.me, timed_out, random % 7 == 0) {
                Next::Read(need) => self.call(need, random),
                Next::Sleep => {}
                Next::End => drop(self.threads.swap_remove(at)),
            }
        }

        fn check(&self, roster: &Roster) {
            let reading = self.threads.iter().filter(|t| t.me.has_read).count() as u32;
            let watching = self.threads.iter().filter(|t| t.me.watches).count();
            let is_awake = self.threads.iter().any(|t| t.is_awake);
            assert_eq!(roster.busy_and_idle(), (reading, self.threads.len() as u32 - reading));
            assert_eq!(usize::from(roster.is_watched), watching);
            assert!(!roster.is_called || is_awake, "somebody is to look who does not");
            if roster.len > 0 {
                assert!(reading > 0 || is_awake, "nobody reads");
                assert!(watching > 0 || is_awake || reading == MOST, "nobody watches");
            }
        }
    }

    /// Whatever happens in whatever order, what there is to read is read by one, watched by another.
    #[test]
    fn nothing_is_left_behind() {
        [false, true].into_iter().for_each(play);
    }

    fn play(is_private: bool) {
        let (mut roster, mut simulation) = (Roster::new(is_private), Simulation::default());
        let mut random = 2463534242u32;
        for _ in 0..2_000_000 {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let (event, at) = (random % 5, (random >> 8) as usize);
            let count = simulation.threads.len();
            match event {
                0 if roster.len < 40 => {
                    let need = roster.add();
                    simulation.call(need, random >> 4);
                }
                // Hours may pass between the ticks of one that watches.
                1 if count > 0 && !simulation.threads[at % count].me.has_read => {
                    simulation.look(&mut roster, at % count, true, random >> 4);
                }
                2 | 3 if count > 0 && simulation.threads[at % count].is_awake => {
                    simulation.look(&mut roster, at % count, false, random >> 4);
                }
                4 if count > 0
                    && simulation.threads[at % count].me.has_read
                    && random & 64 != 0 =>
                {
                    simulation.look(&mut roster, at % count, false, random >> 4);
                }
                _ => {}
            }
            simulation.check(&roster);
        }
    }
}
