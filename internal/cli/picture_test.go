package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/replaytrace/replaytrace/internal/report"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

var update = flag.Bool("update", false, "rewrite docs/timeline.svg")

// TestTimelinePicture keeps the picture in README that of the demo.
func TestTimelinePicture(t *testing.T) {
	dir := t.TempDir()
	tenant, err := simulate.Generate(simulate.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	inv := hunted(t, filepath.Join(dir, "evidence"))
	var svg bytes.Buffer
	if err := report.Timeline(&svg, &inv.Profiles[0], &inv.Findings[0]); err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/timeline.svg"
	if *update {
		if err := os.WriteFile(path, svg.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(svg.Bytes(), want) {
		t.Errorf("%s is stale: go test ./internal/cli -run TestTimelinePicture -update", path)
	}
}
