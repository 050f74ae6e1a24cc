package hunts

import (
	"context"
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
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && i%8 != 0 {
				t.Skip("one in eight in the quick loop")
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
