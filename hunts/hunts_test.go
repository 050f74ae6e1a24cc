package hunts

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/proof"
)

// TestProofs runs every rule over the evidence of its proof, NAME.txtar beside NAME.yaml. A rule without one fails.
func TestProofs(t *testing.T) {
	all, err := hunt.Load(FS)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		h := &all[i]
		t.Run(h.Signal, func(t *testing.T) {
			t.Parallel()
			p, err := proof.Load(os.DirFS("."), h.Path)
			if errors.Is(err, fs.ErrNotExist) && testing.Short() {
				t.Skip("no proof yet: make test fails for it")
			}
			if err != nil {
				t.Fatal(err)
			}
			wrong, err := p.Run(context.Background(), h)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range wrong {
				t.Error(w)
			}
		})
	}
}
