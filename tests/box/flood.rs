//! Strangers who knock as fast as the machine can send: the call that is up, the phones of the house and the memory of
//! the box must not notice.

mod real_time {
    use crate::far::{Far, SECRET};
    use crate::running::House;
    use crate::stranger::Stranger;
    use core::time::Duration;
    use hold_slayer::demo::Fact;
    use hold_slayer::demo::phone::Step as Owner;
    use nix::sys::signal::Signal;
    use nix::unistd::Pid;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Instant;

    /// What of this a person hears as a gap.
    const GAP: Duration = Duration::from_millis(40);
    const FRAME: Duration = Duration::from_millis(20);

    /// How many packets come; `make flood` sends many more.
    fn packets() -> u64 {
        std::env::var("FLOOD_PACKETS").map_or(400_000, |text| text.parse().unwrap())
    }

    fn resident_kb(pid: Pid) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn files(pid: Pid) -> usize {
        std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
    }

    fn threads(pid: Pid) -> usize {
        std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
    }

    /// A flood that runs until it is told to stop or has sent all.
    struct Flood {
        sent: Arc<AtomicU64>,
        stop: Arc<AtomicBool>,
        thread: Option<std::thread::JoinHandle<()>>,
    }

    impl Flood {
        fn begin(to: std::net::SocketAddr, seed: u64, most: u64) -> Self {
            let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
            let (count, over) = (Arc::clone(&sent), Arc::clone(&stop));
            let thread = std::thread::spawn(move || {
                let mut stranger = Stranger::new(to, seed);
                while !over.load(Ordering::Relaxed) && count.load(Ordering::Relaxed) < most {
                    stranger.knock();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
            Self { sent, stop, thread: Some(thread) }
        }

        fn sent(&self) -> u64 {
            self.sent.load(Ordering::Relaxed)
        }

        /// Waits until all has been sent.
        fn ends(&mut self) {
            self.thread.take().unwrap().join().unwrap();
        }
    }

    impl Drop for Flood {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::Relaxed);
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }

    #[test]
    fn a_flood_is_not_heard_and_leaves_nothing_behind() {
        let house = House::talking();
        let (pid, to) = (house.running.pid(), house.net.sip());
        let password = house.running.password();
        let page = house.running.log_in(&password);
        // Tables that may fill are filled, and buffers have their size.
        Flood::begin(to, 1, packets() / 10).ends();
        let (before, files_before, threads_before) = (resident_kb(pid), files(pid), threads(pid));
        for far in [&house.company, &house.phone] {
            far.forget_gaps();
        }

        let begun = Instant::now();
        let mut flood = Flood::begin(to, 2, packets());
        let moved = Far::phone(house.net, 4, SECRET, vec![Owner::Register]);
        moved.wait(0, "a phone registers amid the flood", |fact| *fact == Fact::Registered);
        let registered = (begun.elapsed(), flood.sent());
        flood.ends();
        let took = begun.elapsed();
        let waits = [&house.company, &house.phone].map(|far| (far.worst_gap(), far.own_gap()));
        // Before the page is asked: its connection is open for a moment longer than its answer.
        let (after, files_after, threads_after) = (resident_kb(pid), files(pid), threads(pid));
        house.talks_on();

        let status = page.get("/api/v1/status");
        println!(
            "{} packets in {took:?}; registered after {registered:?}; resident {before} → {after} KiB; longest waits at \
             the company and the phone, and of their own: {waits:?}; {}",
            flood.sent(),
            status["discards"]
        );
        assert_eq!(status["calls"].as_array().unwrap().len(), 1, "{status}");
        assert!(after * 100 <= before * 103 + 51_200, "resident {before} KiB, {after} KiB after the flood");
        assert_eq!((files_after, threads_after), (files_before, threads_before), "descriptors and threads");
        let [(at_company, of_company), (at_phone, of_phone)] = waits;
        for (gap, own) in [(at_company, of_phone), (at_phone, of_company)] {
            let most = GAP + own.saturating_sub(FRAME);
            assert!(gap <= most, "a gap of {gap:?}, where the sender's own was {own:?}");
        }
        house.running.signal(Signal::SIGTERM);
        let House { running, .. } = house;
        assert_eq!(running.ends().0.code(), Some(0));
    }
}
