package sqlgen

import (
	"math/rand/v2"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// TestColumns compares the sets with maps, over columns that are added in any order, and merged.
func TestColumns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var sets [2]columns
		maps := [2]map[int]bool{{}, {}}
		for range random.IntN(20) {
			i, id := random.IntN(2), random.IntN(1000)
			c := &plan.Column{ID: id}
			if random.IntN(4) == 0 {
				sets[i].remove(c)
				delete(maps[i], id)
				continue
			}
			sets[i].add(c)
			maps[i][id] = true
		}
		sets[0].merge(&sets[1])
		for id := range maps[1] {
			maps[0][id] = true
		}
		for id := range 1100 {
			if c := (&plan.Column{ID: id}); sets[0].has(c) != maps[0][id] || sets[1].has(c) != maps[1][id] {
				t.Fatalf("column %d is in %v, %v", id, maps[0][id], maps[1][id])
			}
		}
	}
}
