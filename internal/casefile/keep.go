package casefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql"
)

// keptDatabase is the name of the database that holds what queries materialize. It is a file in the scratch folder, not
// temporary tables: a file is compressed, to a sixth, and what does not fit into the memory need not be written again
// when its place is taken. Nothing of it outlives the program, so it has no log.
const keptDatabase = "kept"

// keep makes the table of a materialize() unless an earlier query has: hunts that begin with the same materialized
// tables pay for them once. The rows are those of the evidence, so they hold until it changes.
func (c *Case) keep(ctx context.Context, k kql.Kept) error {
	if slices.Contains(c.kept, k.Name) {
		return nil
	}
	defer c.opt.Watch("materialize " + k.Of)()
	if err := c.attachKept(ctx); err != nil {
		return err
	}
	if err := c.Exec(ctx, "CREATE TABLE "+keptDatabase+"."+k.Name+" AS "+k.SQL); err != nil {
		return err
	}
	c.kept = append(c.kept, k.Name)
	return nil
}

// attachKept makes the database of what queries materialize, and lets its tables be found by their names.
func (c *Case) attachKept(ctx context.Context) error {
	if c.keeping {
		return nil
	}
	err := c.execAll(ctx,
		fmt.Sprintf("ATTACH %s AS %s (STORAGE_VERSION 'latest', ROW_GROUP_SIZE %d, RECOVERY_MODE no_wal_writes)", quoteText(c.keptPath()), keptDatabase, rowGroup),
		"SET search_path = '"+evidenceDatabase+".main,"+keptDatabase+".main'")
	if err != nil {
		return err
	}
	c.keeping = true
	return nil
}

func (c *Case) keptPath() string { return filepath.Join(c.scratch, keptDatabase+".duckdb") }

// forget drops what queries have kept.
func (c *Case) forget(ctx context.Context) error {
	if !c.keeping {
		return nil
	}
	if err := c.execAll(ctx, "USE "+evidenceDatabase, "DETACH "+keptDatabase); err != nil {
		return err
	}
	c.kept, c.keeping = nil, false
	return os.Remove(c.keptPath())
}

// scratchPrefix begins the names of the folders in which open cases spill and keep. Each has its own, since several
// programs may read one case.
const scratchPrefix = "scratch-"

// makeScratch makes the folder in which DuckDB spills and keeps: beside the database, or where temporary files go when
// the case lies on a medium that cannot be written to.
func (c *Case) makeScratch() error {
	var err error
	if c.scratch, err = os.MkdirTemp(c.dir(), scratchPrefix); err != nil {
		if c.scratch, err = os.MkdirTemp("", "replaytrace-"+scratchPrefix); err != nil {
			return fmt.Errorf("make a folder for temporary files: %w", err)
		}
	}
	return nil
}

// sweep removes the scratch folders of programs that were killed. Only who writes to the case may: nobody else has it
// open.
func (c *Case) sweep() error {
	entries, err := os.ReadDir(c.dir())
	for _, e := range entries {
		dir := filepath.Join(c.dir(), e.Name())
		if strings.HasPrefix(e.Name(), scratchPrefix) && dir != c.scratch {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}
