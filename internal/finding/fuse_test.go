package finding

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// rules are hunts of a small catalogue.
var rules = map[string]*hunt.Hunt{
	"tool":    {Signal: "tool", Name: "A tool", Role: hunt.RoleSignal, Family: "client", Strength: hunt.Conclusive},
	"network": {Signal: "network", Name: "A new network", Role: hunt.RoleSignal, Family: "network", Strength: hunt.Moderate},
	"country": {Signal: "country", Name: "A new country", Role: hunt.RoleSignal, Family: "network", Strength: hunt.Moderate},
	"device":  {Signal: "device", Name: "No device", Role: hunt.RoleSignal, Family: "device", Strength: hunt.Strong},
	"method":  {Signal: "method", Name: "A method added", Role: hunt.RoleSignal, Family: "aftermath", Strength: hunt.Strong},
	"browser": {Signal: "browser", Name: "A new browser", Role: hunt.RoleSignal, Family: "client", Strength: hunt.Moderate},
	"bare":    {Signal: "bare", Name: "Hardly a device", Role: hunt.RoleSignal, Family: "device", Strength: hunt.Moderate},
	"mail":    {Signal: "mail", Name: "Much mail", Role: hunt.RoleSignal, Family: "aftermath", Strength: hunt.Moderate},
	"context": {Signal: "context", Name: "Mail was read", Role: hunt.RoleSignal, Family: "aftermath", Strength: hunt.Contextual},
	"travel":  {Signal: "travel", Name: "A journey", Role: hunt.RoleExplanation, Family: "presence", Strength: hunt.Strong},
	"service": {Signal: "service", Name: "A service", Role: hunt.RoleExplanation, Family: "automation", Strength: hunt.Excluding},
	"link":    {Signal: "link", Name: "One holder", Role: hunt.RoleLink},
}

var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// says is what a rule says of some spots of a user, of so many rows, an hour long.
func says(rule, user string, hour, rows int, spots ...string) hunt.Signal {
	h := rules[rule]
	at := noon.Add(time.Duration(hour) * time.Hour)
	return hunt.Signal{
		Hunt: h, HomeTenantID: "t", UserID: user, User: user + "@x", Spots: spots, Strength: h.Strength, First: at, Last: at.Add(time.Hour),
		Count: int64(rows), Evidence: fmt.Sprint(rule, " at ", spots),
	}
}

func scale() Weights {
	w := Weights{
		Prior: -7, Repeat: 0.25, Caps: map[string]float64{"network": 2, "client": 100, "device": 100, "aftermath": 100},
		Strengths:    map[hunt.Strength]float64{hunt.Conclusive: 9, hunt.Strong: 3, hunt.Moderate: 1.6, hunt.Weak: 0.5},
		Explanations: map[hunt.Strength]float64{hunt.Excluding: -14, hunt.Strong: -4},
	}
	w.Verdicts.Confirmed, w.Verdicts.Likely, w.Verdicts.Suspicious, w.Lifted, w.Hinted = 95, 80, 50, 59, 70
	return w
}

func TestWeigh(t *testing.T) {
	tests := []struct {
		name                         string
		signals, explanations, links []hunt.Signal
		odds                         []float64 // of each activity, by hand
	}{
		{"one signal", []hunt.Signal{says("device", "a", 0, 5, "n1")}, nil, nil, []float64{-7 + 3}},
		{"a family's second signal counts a quarter", []hunt.Signal{says("network", "a", 0, 5, "n1"), says("country", "a", 0, 5, "n1")}, nil, nil, []float64{-7 + 2}}, // 1.6 + 0.4 is the cap
		{"families add up", []hunt.Signal{says("network", "a", 0, 5, "n1"), says("device", "a", 0, 5, "n1")}, nil, nil, []float64{-7 + 1.6 + 3}},
		{"the same of two spots counts once", []hunt.Signal{says("device", "a", 0, 5, "n1", "n2"), says("device", "a", 0, 5, "n2")}, nil, nil, []float64{-7 + 3}},
		{"two spots are two activities", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("device", "a", 0, 5, "n2")}, nil, nil, []float64{-7 + 3, -7 + 3}},
		{"a link makes them one", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("network", "a", 0, 5, "n2")}, nil, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 3 + 1.6}},
		{"where all only hint, each counts by the root of its rows", []hunt.Signal{says("network", "a", 0, 30, "n1"), says("country", "a", 0, 10, "n2")}, nil, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 1.6*math.Sqrt(0.75) + 0.25*1.6*math.Sqrt(0.25)}},
		{"what only tells a fact makes no hint more", []hunt.Signal{says("network", "a", 0, 30, "n1"), says("country", "a", 0, 10, "n2"), says("context", "a", 0, 5, "n1")}, nil, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 1.6*math.Sqrt(0.75) + 0.25*1.6*math.Sqrt(0.25)}},
		{"a link alone is nothing", nil, nil, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, nil},
		{"links of another user do not count", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("network", "a", 0, 5, "n2")}, nil, []hunt.Signal{says("link", "b", 0, 0, "n1", "n2")}, []float64{-7 + 3, -7 + 1.6}},
		{"an explanation subtracts", []hunt.Signal{says("device", "a", 0, 5, "n1")}, []hunt.Signal{says("travel", "a", 0, 5, "n1")}, nil, []float64{-7 + 3 - 4}},
		{"by the rows that it covers", []hunt.Signal{says("device", "a", 0, 30, "n1"), says("device", "a", 0, 10, "n2")}, []hunt.Signal{says("travel", "a", 0, 10, "n2")}, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 3 - 1}},
		{"what leaves nothing of a spot leaves nothing of the signals about it", []hunt.Signal{says("device", "a", 0, 30, "n1"), says("network", "a", 0, 10, "n2")}, []hunt.Signal{says("service", "a", 0, 30, "n1")}, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 1.6*math.Sqrt(0.25) - 14*0.75}},
		{"what leaves nothing of one spot says nothing against proof at another", []hunt.Signal{says("device", "a", 0, 30, "n1"), says("tool", "a", 0, 10, "n2")}, []hunt.Signal{says("service", "a", 0, 30, "n1")}, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, []float64{-7 + 9}},
		{"an explanation of another spot does not count", []hunt.Signal{says("device", "a", 0, 5, "n1")}, []hunt.Signal{says("travel", "a", 0, 5, "n9")}, nil, []float64{-7 + 3}},
		{"what is said of the user joins the activity of its time", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("method", "a", 1, 1)}, nil, nil, []float64{-7 + 3 + 3}},
		{"and is alone at another time", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("method", "a", 48, 1)}, nil, nil, []float64{-7 + 3, -7 + 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Weigh(test.signals, test.explanations, test.links, scale())
			if len(got) != len(test.odds) {
				t.Fatalf("%d activities, want %d: %+v", len(got), len(test.odds), got)
			}
			for i, want := range test.odds {
				if math.Abs(got[i].LogOdds-want) > 1e-9 {
					t.Errorf("activity %d has %v, want %v", i, got[i].LogOdds, want)
				}
			}
		})
	}
}

// TestOrderIsIrrelevant shuffles what the hunts say: the activities are the same.
// TestExcusedSpots: nobody is accused of rows that an explanation leaves nothing of, unless nothing else is left.
func TestExcusedSpots(t *testing.T) {
	one := []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}
	signals := []hunt.Signal{says("device", "a", 0, 30, "n1"), says("tool", "a", 5, 10, "n2")}
	for _, test := range []struct {
		name    string
		excused []string
		spots   []string
		first   int
	}{
		{"of one", []string{"n1"}, []string{"n2"}, 5},
		{"of all", []string{"n1", "n2"}, []string{"n1", "n2"}, 0},
		{"of none", nil, []string{"n1", "n2"}, 0},
	} {
		var explanations []hunt.Signal
		for _, spot := range test.excused {
			explanations = append(explanations, says("service", "a", 0, 1, spot))
		}
		got := Weigh(signals, explanations, one, scale())
		if len(got) != 1 || !slices.Equal(got[0].Spots, test.spots) || !got[0].First.Equal(noon.Add(time.Duration(test.first)*time.Hour)) {
			t.Errorf("%s: %+v, want the spots %v from hour %d", test.name, got, test.spots, test.first)
		}
	}
}

func TestOrderIsIrrelevant(t *testing.T) {
	signals := []hunt.Signal{
		says("device", "a", 0, 5, "n1"), says("network", "a", 0, 5, "n2"), says("country", "a", 1, 7, "n3"), says("tool", "b", 0, 3, "n1"),
		says("method", "a", 0, 1), says("network", "a", 2, 4, "n4"), says("device", "b", 5, 2, "n5", "n1"),
	}
	links := []hunt.Signal{says("link", "a", 0, 0, "n1", "n2"), says("link", "a", 0, 0, "n3", "n2")}
	first := Weigh(signals, nil, links, scale())
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		random.Shuffle(len(signals), func(i, j int) { signals[i], signals[j] = signals[j], signals[i] })
		random.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
		again := Weigh(signals, nil, links, scale())
		if len(again) != len(first) {
			t.Fatalf("%d activities, %d before", len(again), len(first))
		}
		for i := range again {
			a, b := &again[i], &first[i]
			if a.id() != b.id() || a.LogOdds != b.LogOdds || !reflect.DeepEqual(a.Spots, b.Spots) {
				t.Fatalf("activity %d is %v %v, was %v %v", i, a.Spots, a.LogOdds, b.Spots, b.LogOdds)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name      string
		signals   []hunt.Signal
		benign    []hunt.Signal
		verdict   Verdict // "" for none
		explained bool
	}{
		{"a conclusive signal and another confirm", []hunt.Signal{says("tool", "a", 0, 5, "n1"), says("device", "a", 0, 5, "n1")}, nil, Confirmed, false},
		{"a score without a conclusive signal does not", []hunt.Signal{says("device", "a", 0, 5, "n1"), says("method", "a", 0, 5, "n1"), says("network", "a", 0, 5, "n1"), says("country", "a", 0, 5, "n1")}, nil, Suspicious, false},
		{"weak evidence is nothing", []hunt.Signal{says("network", "a", 0, 5, "n1")}, nil, "", false},
		{"what an explanation holds back is said", []hunt.Signal{says("tool", "a", 0, 5, "n1")}, []hunt.Signal{says("travel", "a", 0, 5, "n1")}, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			candidates := Weigh(test.signals, test.benign, nil, scale())
			findings, explained := Judge(candidates, Prior{Stated: 0.001, Learned: 0.001}, scale())
			var got Verdict
			if len(findings) > 0 {
				got = findings[0].Verdict
			}
			if got != test.verdict || len(explained) > 0 != test.explained {
				t.Errorf("the verdict is %q and %d are explained, want %q and %v", got, len(explained), test.verdict, test.explained)
			}
		})
	}
}

// TestSignalsByWeight: the order of a finding's signals is that of the weights which it shows, not of those before the cap.
func TestSignalsByWeight(t *testing.T) {
	var signals []hunt.Signal // two of a family each, of which the second counts a quarter
	for _, rule := range []string{"tool", "browser", "device", "bare", "network", "country"} {
		signals = append(signals, says(rule, "a", 0, 5, "n1"))
	}
	findings, _ := Judge(Weigh(signals, nil, nil, scale()), Prior{Stated: 0.001, Learned: 0.001}, scale())
	if len(findings) != 1 || len(findings[0].Signals) < 4 {
		t.Fatalf("%d findings, want one of all signals", len(findings))
	}
	list := findings[0].Signals
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; a.Weight < b.Weight || a.Weight == b.Weight && a.ID > b.ID {
			t.Errorf("%s with %v stands before %s with %v", a.ID, a.Weight, b.ID, b.Weight)
		}
	}
}

// TestConsidered: what leaves nothing of a part is accepted for that part, what was only outweighed is undecided.
func TestConsidered(t *testing.T) {
	proof, journey := says("tool", "a", 0, 90, "n1"), says("travel", "a", 0, 5, "n2")
	other, service := says("device", "a", 0, 5, "n2"), says("service", "a", 0, 5, "n2")
	method := says("method", "a", 0, 1)
	candidates := Weigh([]hunt.Signal{proof, other, method}, []hunt.Signal{journey, service}, []hunt.Signal{says("link", "a", 0, 0, "n1", "n2")}, scale())
	findings, _ := Judge(candidates, Prior{Stated: 0.001, Learned: 0.001}, scale())
	if len(findings) != 1 {
		t.Fatalf("%d findings, want one", len(findings))
	}
	got := map[string]Outcome{}
	for _, c := range findings[0].Considered {
		got[c.Explanation] = c.Outcome
	}
	if want := map[string]Outcome{"A journey": Undecided, "A service": Accepted}; !reflect.DeepEqual(got, want) {
		t.Errorf("considered %v, want %v", got, want)
	}
}

// TestLearn holds the arithmetic of the prior: a stated one in a thousand is a thousand users of whom one was compromised.
func TestLearn(t *testing.T) {
	w := scale()
	w.Prior = LogOdds(0.001)
	sure := []hunt.Signal{says("tool", "a", 0, 5, "n1"), says("device", "a", 0, 5, "n1"), says("tool", "a", 90, 5, "n2"), says("device", "a", 90, 5, "n2"), says("tool", "b", 0, 5, "n1"), says("device", "b", 0, 5, "n1")}
	doubtful := []hunt.Signal{says("device", "c", 0, 5, "n1"), says("method", "c", 0, 5, "n1")} // 6 above the prior
	closer := append(slices.Clone(doubtful), says("network", "c", 0, 5, "n1"))
	hinted := []hunt.Signal{says("network", "c", 0, 5, "n1"), says("browser", "c", 0, 5, "n1"), says("bare", "c", 0, 5, "n1"), says("mail", "c", 0, 5, "n1")}
	tests := []struct {
		name       string
		signals    []hunt.Signal
		users      int64
		learned    float64
		suspicious []int // scores
	}{
		{"a quiet tenant lowers nothing", doubtful, 5000, 0.001, nil},
		{"two of one user's activities are one user, the case at hand", sure[:4], 1, 0.001, nil},
		{"two in so few", append(sure, doubtful...), 3, 3.0 / 1003, []int{50}},                       // -6.9 + 6 + 1.1 is 55, which the case alone makes of 29
		{"nearly likely, and lifted by the case", append(sure, closer...), 3, 3.0 / 1003, []int{79}}, // -6.9 + 7.6 + 1.1 is 86, of 67
		{"what only hints speak of is not lifted", append(sure, hinted...), 3, 3.0 / 1003, nil},      // -6.9 + 6.4 + 1.1 is 65
		{"two in many are what was stated", append(sure, doubtful...), 2000, 3.0 / 3000, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			candidates := Weigh(test.signals, nil, nil, w)
			prior := Learn(candidates, test.users, w)
			if math.Abs(prior.Learned-test.learned) > 1e-9 {
				t.Errorf("the learned prior is %v, want %v: %+v", prior.Learned, test.learned, prior)
			}
			findings, _ := Judge(candidates, prior, w)
			var got []int
			for _, f := range findings {
				if f.Verdict == Suspicious {
					got = append(got, f.Score)
				}
			}
			if !slices.Equal(got, test.suspicious) {
				t.Errorf("suspicious findings have the scores %v, want %v", got, test.suspicious)
			}
		})
	}
}

// TestShippedWeights holds what the contract says of verdicts. That every strength has a number is held when they are read.
func TestShippedWeights(t *testing.T) {
	w, err := DefaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	if w.Verdicts.Confirmed != 95 || w.Verdicts.Likely != 80 || w.Verdicts.Suspicious != 50 {
		t.Errorf("the verdicts begin at %+v", w.Verdicts)
	}
	if p := Probability(w.Prior); math.Abs(p-0.001) > 0.0001 {
		t.Errorf("the prior is %v, not one in a thousand", p)
	}
}

// TestCovers: a rule of a family without a cap is refused by its name, an explanation needs none.
func TestCovers(t *testing.T) {
	w := scale()
	all := []hunt.Hunt{*rules["tool"], *rules["travel"], *rules["link"]}
	if err := w.Covers(all); err != nil {
		t.Error(err)
	}
	all = append(all, hunt.Hunt{Path: "New.yaml", Role: hunt.RoleSignal, Family: "netwrok"})
	if err := w.Covers(all); err == nil || !strings.Contains(err.Error(), `"netwrok" of New.yaml`) {
		t.Errorf("%v: want it to name the rule and its family", err)
	}
}

func TestAtLeast(t *testing.T) {
	for i, surer := range Verdicts {
		for k, v := range Verdicts {
			if got, want := surer.AtLeast(v), i <= k; got != want {
				t.Errorf("%s is at least %s: %v, want %v", surer, v, got, want)
			}
		}
	}
	if !Confirmed.AtLeast(Likely) || Suspicious.AtLeast(Likely) {
		t.Error("confirmed is surer than likely, suspicious is not")
	}
}
