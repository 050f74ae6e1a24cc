package cli

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/report"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

// TestTimelinePicture keeps the picture in README that of the demo.
func TestTimelinePicture(t *testing.T) {
	t.Parallel()
	dir, _ := simulated(t, simulate.Options{Seed: 1})
	inv := hunted(t, filepath.Join(dir, "evidence"))
	var svg bytes.Buffer
	if err := report.Timeline(&svg, &inv.Profiles[0], &inv.Findings[0]); err != nil {
		t.Fatal(err)
	}
	golden.File(t, "../../docs/timeline.svg", svg.Bytes())
}
