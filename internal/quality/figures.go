package quality

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Figures are the measured quality over several tenants. Shares are between 0 and 1.
type Figures struct {
	Made         string      `json:"made,omitempty"` // the folders of tenants that others made, instead of seeds
	Seeds        string      `json:"seeds"`
	Users        int         `json:"users"` // in each tenant
	Days         int         `json:"days"`
	Context      bool        `json:"tenant_context"` // whether the hunt was given the tenant file
	Rows         int64       `json:"rows"`
	Incidents    int         `json:"incidents"`
	Undetectable int         `json:"undetectable"`
	Thresholds   []Threshold `json:"thresholds"`
	Early        []Early     `json:"early"`
	Scenarios    []Group     `json:"scenarios"`
	Reliability  []Decile    `json:"reliability"`
	Clean        *Clean      `json:"clean,omitempty"`
	Baselines    []Baseline  `json:"baselines,omitempty"`
}

// Threshold holds the figures of the findings at or above a verdict.
type Threshold struct {
	Verdict      string  `json:"verdict"`
	Detectable   int     `json:"detectable"`
	Found        int     `json:"found"` // of the detectable incidents
	Recall       float64 `json:"recall"`
	Findings     int     `json:"findings"`
	False        int     `json:"false"`
	Precision    float64 `json:"precision"`
	FalseRate    float64 `json:"false_per_1000_users_and_day"`
	Difficulties []Group `json:"difficulties"`
	Events       struct {
		PrecisionMedian float64 `json:"precision_median"`
		PrecisionP10    float64 `json:"precision_p10"`
		RecallMedian    float64 `json:"recall_median"`
		RecallP10       float64 `json:"recall_p10"`
	} `json:"events"`
	Minutes struct {
		FirstSignalMedian float64 `json:"first_signal_median"`
		FirstSignalP90    float64 `json:"first_signal_p90"`
		FirstErrorMedian  float64 `json:"first_error_median"`
		FirstErrorP90     float64 `json:"first_error_p90"`
		LastErrorMedian   float64 `json:"last_error_median"`
		LastErrorP90      float64 `json:"last_error_p90"`
		// Within is the share of the found easy and medium incidents both of whose bounds are true to the minute.
		Within float64 `json:"both_within_one"`
	} `json:"minutes"`
}

// Group is the recall of the detectable incidents of one kind, by threshold.
type Group struct {
	Name       string `json:"name"`
	Difficulty string `json:"difficulty,omitempty"`
	Detectable int    `json:"detectable"`
	Found      []int  `json:"found"` // by threshold, as in verdictNames
}

// Early is the recall of the first findings of the lists.
type Early struct {
	First    int     `json:"first"`
	Found    int     `json:"found"`
	Possible int     `json:"possible"` // at most so many can be found in so many findings
	Recall   float64 `json:"recall"`
}

// Decile compares the scores from From on with the share of true findings among them.
type Decile struct {
	From     int     `json:"from"`
	Findings int     `json:"findings"`
	True     int     `json:"true"`
	Mean     float64 `json:"mean_score"`
}

// Clean are the findings in tenants without any attack, by verdict as in verdictNames, at or above it.
type Clean struct {
	Tenants  int   `json:"tenants"`
	Findings []int `json:"findings"`
}

// Baseline are the figures of a published rule.
type Baseline struct {
	Name           string  `json:"name"`
	Recall         float64 `json:"recall"`
	Findings       int     `json:"findings"`
	Precision      float64 `json:"precision"`
	FalseRate      float64 `json:"false_per_1000_users_and_day"`
	EventPrecision float64 `json:"event_precision_median"`
	EventRecall    float64 `json:"event_recall_median"`
	RecallWithin50 float64 `json:"recall_within_50"`
}

// Measure sums up what was judged.
func Measure(runs []Run) Figures {
	var f Figures
	for i := range runs {
		f.Rows += runs[i].Rows
		for _, a := range runs[i].Incidents {
			f.Incidents++
			if !a.Detectable {
				f.Undetectable++
			}
		}
	}
	for t, verdict := range verdictNames {
		f.Thresholds = append(f.Thresholds, threshold(runs, t, verdict))
	}
	for _, n := range []int{10, 25, 50} {
		f.Early = append(f.Early, early(runs, n))
	}
	f.Scenarios = groups(runs, func(a *Attack) (string, string) { return a.Scenario, a.Difficulty })
	f.Reliability = reliability(runs)
	return f
}

func threshold(runs []Run, t int, verdict string) Threshold {
	out := Threshold{Verdict: verdict}
	var precision, recall, first, last, signal []float64
	bounded, exact := 0, 0
	userDays := 0.0
	for i := range runs {
		r := &runs[i]
		userDays += float64(r.Users) * r.Days
		for k := range r.Findings {
			if !admits(t, r.Findings[k].Verdict) {
				continue
			}
			out.Findings++
			if !r.Findings[k].True() {
				out.False++
			}
		}
		for k := range r.Incidents {
			a := &r.Incidents[k]
			if !a.Detectable {
				continue
			}
			out.Detectable++
			m := a.At[t]
			if !m.Found {
				continue
			}
			out.Found++
			precision, recall = append(precision, m.Precision), append(recall, m.Recall)
			if a.Difficulty != "hard" {
				bounded++
				if m.FirstError <= time.Minute && m.LastError <= time.Minute {
					exact++
				}
			}
			first, last = append(first, m.FirstError.Minutes()), append(last, m.LastError.Minutes())
			if m.Reasoned {
				signal = append(signal, m.FirstSignal.Minutes())
			}
		}
	}
	out.Recall = rounded(share(out.Found, out.Detectable))
	out.Precision = rounded(share(out.Findings-out.False, out.Findings))
	if userDays > 0 {
		out.FalseRate = rounded(float64(out.False) * 1000 / userDays)
	}
	for _, g := range groups(runs, func(a *Attack) (string, string) { return a.Difficulty, "" }) {
		g.Found = []int{g.Found[t]}
		out.Difficulties = append(out.Difficulties, g)
	}
	e, m := &out.Events, &out.Minutes
	m.Within = rounded(share(exact, bounded))
	e.PrecisionMedian, e.PrecisionP10 = quantile(precision, 0.5), quantile(precision, 0.1)
	e.RecallMedian, e.RecallP10 = quantile(recall, 0.5), quantile(recall, 0.1)
	m.FirstSignalMedian, m.FirstSignalP90 = quantile(signal, 0.5), quantile(signal, 0.9)
	m.FirstErrorMedian, m.FirstErrorP90 = quantile(first, 0.5), quantile(first, 0.9)
	m.LastErrorMedian, m.LastErrorP90 = quantile(last, 0.5), quantile(last, 0.9)
	return out
}

// groups counts the detectable incidents of each kind, and those found at each threshold.
func groups(runs []Run, kind func(*Attack) (name, difficulty string)) []Group {
	var out []Group
	for i := range runs {
		for k := range runs[i].Incidents {
			a := &runs[i].Incidents[k]
			if !a.Detectable {
				continue
			}
			name, difficulty := kind(a)
			at := slices.IndexFunc(out, func(g Group) bool { return g.Name == name && g.Difficulty == difficulty })
			if at < 0 {
				at = len(out)
				out = append(out, Group{Name: name, Difficulty: difficulty, Found: make([]int, len(verdictNames))})
			}
			out[at].Detectable++
			for t := range verdictNames {
				if a.At[t].Found {
					out[at].Found[t]++
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Difficulty, b.Difficulty))
	})
	return out
}

// early counts the detectable incidents that the first n findings of each tenant show.
func early(runs []Run, n int) Early {
	out := Early{First: n}
	for i := range runs {
		r := &runs[i]
		shown := map[int]bool{}
		for k := range min(n, len(r.Findings)) {
			for _, index := range r.Findings[k].Incidents {
				if r.Incidents[index].Detectable {
					shown[index] = true
				}
			}
		}
		detectable := 0
		for k := range r.Incidents {
			if r.Incidents[k].Detectable {
				detectable++
			}
		}
		out.Found += len(shown)
		out.Possible += max(min(n, detectable), len(shown))
	}
	out.Recall = rounded(share(out.Found, out.Possible))
	return out
}

func reliability(runs []Run) []Decile {
	deciles := make([]Decile, 10)
	sums := make([]float64, 10)
	for i := range runs {
		for k := range runs[i].Findings {
			f := &runs[i].Findings[k]
			d := max(0, min(9, int(f.Score)/10))
			deciles[d].Findings++
			sums[d] += f.Score
			if f.True() {
				deciles[d].True++
			}
		}
	}
	var out []Decile
	for d := range deciles {
		if deciles[d].Findings > 0 {
			deciles[d].From, deciles[d].Mean = d*10, rounded(sums[d]/float64(deciles[d].Findings))
			out = append(out, deciles[d])
		}
	}
	return out
}

// Quiet sums up tenants without any attack.
func Quiet(runs []Run) *Clean {
	c := &Clean{Tenants: len(runs), Findings: make([]int, len(verdictNames))}
	for i := range runs {
		for t := range verdictNames {
			for k := range runs[i].Findings {
				if admits(t, runs[i].Findings[k].Verdict) {
					c.Findings[t]++
				}
			}
		}
	}
	return c
}

// Compared sums up what a published rule found.
func Compared(name string, runs []Run) Baseline {
	f := Measure(runs)
	all := f.Thresholds[len(f.Thresholds)-1]
	return Baseline{
		Name: name, Recall: all.Recall, Findings: all.Findings, Precision: all.Precision, FalseRate: all.FalseRate,
		EventPrecision: all.Events.PrecisionMedian, EventRecall: all.Events.RecallMedian, RecallWithin50: f.Early[len(f.Early)-1].Recall,
	}
}

// quantile is the nearest rank: the smallest value that at least the share q of all does not exceed; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(math.Ceil(q * float64(len(values))))
	return rounded(values[max(rank-1, 0)])
}

// rounded keeps four digits after the point, so that the record does not change with the last bit of a sum.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }
