package casefile

import (
	"context"
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql"
)

// keep makes the table of a materialize() unless an earlier query has: hunts that begin with the same materialized
// tables pay for them once. The rows are those of the evidence, so they hold until it changes.
func (c *Case) keep(ctx context.Context, k kql.Kept) error {
	if slices.Contains(c.kept, k.Name) {
		return nil
	}
	defer c.opt.Watch("materialize " + k.Of)()
	if err := c.Exec(ctx, "CREATE TEMP TABLE "+k.Name+" AS "+k.SQL); err != nil {
		return err
	}
	c.kept = append(c.kept, k.Name)
	return nil
}

// forget drops what queries have kept.
func (c *Case) forget(ctx context.Context) error {
	for _, name := range c.kept {
		if err := c.Exec(ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			return err
		}
	}
	c.kept = nil
	return nil
}
