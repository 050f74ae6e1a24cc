package quality

import (
	"fmt"
	"slices"
)

// promise is something that the detection promises, held against the figures.
type promise struct {
	Promise string
	Value   string
	State   string // kept, not kept, or not measured
}

const (
	kept        = "kept"
	notKept     = "**not kept**"
	notMeasured = "not measured"
)

const (
	confirmed = iota // indexes of verdictNames
	likely
	suspicious
)

// promises returns what is promised, each with its measured value.
func promises(f *Figures) []promise {
	out := []promise{
		recallGoal(f, "easy and medium incidents found, at likely or above", likely, 0.95, "easy", "medium"),
		recallGoal(f, "hard incidents found, at likely or above", likely, 0.5, "hard"),
		recallGoal(f, "easy and medium incidents found, at suspicious or above", suspicious, 0.98, "easy", "medium"),
		recallGoal(f, "hard incidents found, at suspicious or above", suspicious, 0.8, "hard"),
		most("false findings per 1,000 users and day, at likely or above", f.Thresholds[likely].FalseRate, 0.2),
		most("false findings per 1,000 users and day, at suspicious or above", f.Thresholds[suspicious].FalseRate, 2),
		least("event precision, median per incident", f.Thresholds[likely].Events.PrecisionMedian, 0.95),
		least("event recall, median per incident", f.Thresholds[likely].Events.RecallMedian, 0.9),
		least("easy and medium incidents found whose beginning and end are true to the minute", f.Thresholds[likely].Minutes.Within, 0.9),
		most("undetectable incidents", share(f.Undetectable, max(f.Incidents, 1)), 0.1),
	}
	if f.Clean != nil {
		out = append(out, most(fmt.Sprintf("confirmed findings in %d tenants without an attack", f.Clean.Tenants), float64(f.Clean.Findings[confirmed]), 0))
	}
	return out
}

// recallGoal is the recall of the incidents of some difficulties.
func recallGoal(f *Figures, what string, threshold int, goal float64, difficulties ...string) promise {
	found, detectable := 0, 0
	for _, g := range f.Thresholds[threshold].Difficulties {
		if slices.Contains(difficulties, g.Name) {
			found, detectable = found+g.Found[0], detectable+g.Detectable
		}
	}
	g := least(what, share(found, detectable), goal)
	g.Value = fmt.Sprintf("%s (%d of %d)", g.Value, found, detectable)
	if detectable == 0 {
		g.Value, g.State = "", notMeasured
	}
	return g
}

func least(what string, value, goal float64) promise {
	return promise{fmt.Sprintf("%s: at least %s", what, percent(goal)), percent(value), state(value >= goal)}
}

func most(what string, value, goal float64) promise {
	return promise{fmt.Sprintf("%s: at most %.4g", what, goal), fmt.Sprintf("%.4g", value), state(value <= goal)}
}

func state(ok bool) string {
	if ok {
		return kept
	}
	return notKept
}

func percent(x float64) string { return fmt.Sprintf("%.1f%%", 100*x) }
