package finding

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// Weights are the numbers of the fusion, all of them log-likelihood ratios.
type Weights struct {
	// Prior is the log-odds that a user's token was replayed before anything is known of the user.
	Prior float64
	// Strengths are the weights of the catalogue's words for signals, Explanations those for benign explanations.
	Strengths, Explanations map[hunt.Strength]float64
	// Signals are weights of single hunts at one strength, by what Graded makes of both; they win over Strengths.
	Signals map[string]float64
	// Repeat is the share that further signals of a family count; Caps bound what a family can add. A family without a cap
	// adds nothing, so Covers refuses the hunts that have one.
	Repeat float64
	Caps   map[string]float64
	// Verdicts are the least scores.
	Verdicts struct{ Confirmed, Likely, Suspicious int }
	// Lifted is the highest score of a finding that is suspicious by the learned prior alone.
	Lifted int
	// Hinted is the least score under the learned prior that makes suspicious what only hints speak of.
	Hinted int
}

//go:embed weights.yaml
var weightsYAML []byte

//go:embed calibration.yaml
var calibrationYAML []byte

// Catalogue are the weights before the calibration: the catalogue's words as numbers.
func Catalogue() (Weights, error) { return parseWeights(weightsYAML) }

// DefaultWeights are the weights that ship: the catalogue's, where the calibration has nothing better.
func DefaultWeights() (Weights, error) {
	w, err := Catalogue()
	if err != nil {
		return w, err
	}
	var fitted struct {
		Provenance    any // for people
		Signals, Caps map[string]float64
	}
	if err := yaml.UnmarshalWithOptions(calibrationYAML, &fitted, yaml.Strict()); err != nil {
		return w, fmt.Errorf("read the calibrated weights: %w", err)
	}
	if w.Signals == nil {
		w.Signals = map[string]float64{}
	}
	maps.Copy(w.Signals, fitted.Signals)
	maps.Copy(w.Caps, fitted.Caps)
	return w, nil
}

// parseWeights reads a file of weights.
func parseWeights(text []byte) (Weights, error) {
	var w Weights
	if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
		return w, fmt.Errorf("read the weights: %w", err)
	}
	for role, numbers := range map[hunt.Role]map[hunt.Strength]float64{hunt.RoleSignal: w.Strengths, hunt.RoleExplanation: w.Explanations} {
		for _, s := range role.Strengths() {
			if _, ok := numbers[s]; !ok {
				return w, fmt.Errorf("read the weights: the strength %s of a %s has no number", s, role)
			}
		}
	}
	return w, nil
}

// Covers is nil where the weights bound what each of the hunts can say: a family that nobody has thought of would else
// speak without limit, or not at all.
func (w *Weights) Covers(hunts []hunt.Hunt) error {
	for i := range hunts {
		h := &hunts[i]
		if _, capped := w.Caps[h.Family]; h.Role == hunt.RoleSignal && !capped {
			return fmt.Errorf("the weights have no cap for the family %q of %s; they have for %q", h.Family, h.Path, slices.Sorted(maps.Keys(w.Caps)))
		}
	}
	return nil
}

// of is the weight of one signal, alone.
func (w *Weights) of(s *hunt.Signal) float64 {
	if s.Hunt.Role == hunt.RoleExplanation {
		return w.Explanations[s.Strength]
	}
	if weight, ok := w.Signals[Graded(s.Hunt.Signal, s.Strength)]; ok {
		return weight
	}
	return w.Strengths[s.Strength]
}

// lifted brings a score that is suspicious or more by the learned prior alone below Lifted, in the same order.
func (w *Weights) lifted(score int) int {
	least := w.Verdicts.Suspicious
	return least + (score-least)*(w.Lifted-least)/(100-least)
}

// Probability turns log-odds into a probability.
func Probability(logOdds float64) float64 { return 1 / (1 + math.Exp(-logOdds)) }

// LogOdds turns a probability into log-odds.
func LogOdds(p float64) float64 { return math.Log(p / (1 - p)) }

// Graded names what a hunt says at one strength.
func Graded(signal string, strength hunt.Strength) string { return signal + "/" + string(strength) }
