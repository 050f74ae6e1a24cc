package calibrate

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/quality"
)

var laboratory = []hunt.Hunt{
	{Signal: "telling", Role: hunt.RoleSignal, Family: "client", Strength: hunt.Moderate},
	{Signal: "idle", Role: hunt.RoleSignal, Family: "network", Strength: hunt.Moderate},
	{Signal: "rare", Role: hunt.RoleSignal, Family: "device", Strength: hunt.Strong},
}

func words() finding.Weights {
	return finding.Weights{Prior: -6.9, Repeat: 0.25, Strengths: map[hunt.Strength]float64{hunt.Moderate: 1.7, hunt.Strong: 3.2}, Explanations: map[hunt.Strength]float64{}, Caps: map[string]float64{"client": 4, "network": 4, "device": 4}}
}

// tenant has 100 victims and 300 others. Of 80 victims and 3 others one hunt speaks, of half of everybody another, of one
// victim a third.
func tenant() []quality.Sample {
	s := quality.Sample{Seed: 1, Users: 400, Incidents: 100}
	for i := range 400 {
		c := quality.Candidate{UserID: fmt.Sprint(i), Attack: i < 100}
		if i < 80 || i >= 397 {
			c.Signals = append(c.Signals, quality.Said{ID: "telling", Strength: "moderate"})
		}
		if i%2 == 0 {
			c.Signals = append(c.Signals, quality.Said{ID: "idle", Strength: "moderate"})
		}
		if i == 0 {
			c.Signals = append(c.Signals, quality.Said{ID: "rare", Strength: "strong"})
		}
		s.Candidates = append(s.Candidates, c)
	}
	return []quality.Sample{s}
}

func TestCountedWeights(t *testing.T) {
	catalogue := words()
	set := Load(tenant(), laboratory, &catalogue)
	counts := set.Counts()
	if got, want := counts.Signals["telling/moderate"], (Count{80, 3}); got != want {
		t.Errorf("telling is counted %+v, want %+v", got, want)
	}
	w := set.counted(counts, laboratory, catalogue)
	// By hand: 80 of 100 victims and 3 of 300 others, which is one of 100; and belief.
	if want := math.Round(100*math.Log((80+belief)/(1+belief*math.Exp(-1.7)))) / 100; w.Signals["telling/moderate"] != want {
		t.Errorf("telling weighs %v, want %v", w.Signals["telling/moderate"], want)
	}
	// Half of the victims and half of the others: what is left is the catalogue's word.
	if want := math.Round(100*math.Log((50+belief)/(50+belief*math.Exp(-1.7)))) / 100; w.Signals["idle/moderate"] != want {
		t.Errorf("what is said of everybody weighs %v, want %v", w.Signals["idle/moderate"], want)
	}
	// One victim and nobody else: a little more than the catalogue's word.
	if want := math.Round(100*(3.2+math.Log((1+belief)/belief))) / 100; w.Signals["rare/strong"] != want {
		t.Errorf("rare weighs %v, want %v", w.Signals["rare/strong"], want)
	}
	if nothing := set.weight(Count{}, 1.7); math.Abs(nothing-1.7) > 1e-9 {
		t.Errorf("what nobody showed weighs %v, want the catalogue's 1.7", nothing)
	}
}

func TestFitMakesTruthLessSurprising(t *testing.T) {
	catalogue := words()
	set := Load(tenant(), laboratory, &catalogue)
	fitted := Fit(&set, laboratory, catalogue)
	if before, after := set.LogLoss(&catalogue), set.LogLoss(&fitted); after >= before {
		t.Errorf("the loss is %v after and %v before", after, before)
	}
	if again := Fit(&set, laboratory, catalogue); !reflect.DeepEqual(again.Signals, fitted.Signals) || !reflect.DeepEqual(again.Caps, fitted.Caps) {
		t.Error("the same samples give other weights")
	}
	if catalogue.Signals != nil || catalogue.Caps["client"] != 4 {
		t.Error("the catalogue was changed")
	}
}

// TestVictimsTeachByTheirAttacks leaves out what a victim did besides, and victims of whose attack nothing was weighed.
func TestVictimsTeachByTheirAttacks(t *testing.T) {
	catalogue := words()
	said := []quality.Said{{ID: "idle", Strength: "moderate"}}
	set := Load([]quality.Sample{{Users: 3, Incidents: 2, Victims: []string{"ann@x", "bob@x"}, Candidates: []quality.Candidate{
		{User: "ann@x", UserID: "a", Attack: true}, {User: "ann@x", UserID: "a", Signals: said}, {User: "bob@x", UserID: "b", Signals: said}, {User: "cid@x", UserID: "c", Signals: said},
	}}}, laboratory, &catalogue)
	if victims, others := set.People(); victims != 1 || others != 1 {
		t.Errorf("%d victims and %d others, want one each", victims, others)
	}
	if got, want := set.Counts().Signals["idle/moderate"], (Count{0, 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestPlotIsXML(t *testing.T) {
	catalogue := words()
	set := Load(tenant(), laboratory, &catalogue)
	bins := set.Reliability(&catalogue)
	n := 0
	for _, b := range bins {
		n += b.People
	}
	if n != 400 {
		t.Errorf("%d people in the bins, want 400", n)
	}
	for d := xml.NewDecoder(strings.NewReader(Plot(bins, bins))); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
