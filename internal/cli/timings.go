package cli

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/replaytrace/replaytrace/internal/escape"
)

// stopwatch measures what happens one after the other, or one within the other. What happens within counts for itself:
// a hunt is not charged for the tables that it is the first to need.
type stopwatch struct {
	laps    []lap
	running []int // the laps that have begun, the outermost first
	last    reading
	now     func() reading // nil is the machine's
}

// lap is one thing that was measured.
type lap struct {
	what  string
	spent reading
}

// reading is a time, or the length of one, on the clock and of all processors together.
type reading struct{ clock, cpu time.Duration }

// began is when the program did; only differences are used.
var began = time.Now()

// begin begins a lap and returns what ends it.
func (s *stopwatch) begin(what string) (ended func()) {
	s.charge()
	s.running = append(s.running, len(s.laps))
	s.laps = append(s.laps, lap{what: what})
	return func() {
		s.charge()
		s.running = s.running[:len(s.running)-1]
	}
}

// charge adds the time since the last reading to the innermost lap.
func (s *stopwatch) charge() {
	now := reading{time.Since(began), processorTime()}
	if s.now != nil {
		now = s.now()
	}
	if n := len(s.running); n > 0 {
		spent := &s.laps[s.running[n-1]].spent
		spent.clock += now.clock - s.last.clock
		spent.cpu += now.cpu - s.last.cpu
	}
	s.last = now
}

// print lists the laps, the longest first, those of one name added up.
func (s *stopwatch) print(w io.Writer) {
	var sums []lap
	var all reading
	at := map[string]int{}
	for _, l := range s.laps {
		i, ok := at[l.what]
		if !ok {
			i = len(sums)
			at[l.what] = i
			sums = append(sums, lap{what: l.what})
		}
		for _, sum := range []*reading{&sums[i].spent, &all} {
			sum.clock += l.spent.clock
			sum.cpu += l.spent.cpu
		}
	}
	slices.SortStableFunc(sums, func(a, b lap) int { return int(b.spent.clock - a.spent.clock) })
	_, _ = fmt.Fprintf(w, "%8s %8s  question\n", "seconds", "cpu")
	for _, l := range append(sums, lap{"in all", all}) {
		_, _ = fmt.Fprintf(w, "%8.3f %8.3f  %s\n", l.spent.clock.Seconds(), l.spent.cpu.Seconds(), escape.Terminal(l.what))
	}
}
