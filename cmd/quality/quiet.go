package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/replaytrace/replaytrace/internal/quality"
)

// withoutAttacks rewrites the JSON lines of a folder without the rows of the incidents. A labelled row that no file holds
// is an error: the key would not belong to the evidence.
func withoutAttacks(dir string, key *quality.Key) error {
	labelled := map[string]bool{}
	for _, incident := range key.Incidents {
		for _, ids := range incident.EventIDs {
			for _, id := range ids {
				labelled[id] = true
			}
		}
	}
	seen := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := strip(file, labelled, seen); err != nil {
			return fmt.Errorf("take the attacks out of %s: %w", filepath.Base(file), err)
		}
	}
	if len(seen) != len(labelled) {
		return fmt.Errorf("the answer key labels %d rows, the evidence holds %d of them", len(labelled), len(seen))
	}
	return nil
}

func strip(path string, labelled, seen map[string]bool) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(path + ".clean")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	if err := copyOthers(w, bufio.NewReaderSize(in, 1<<20), labelled, seen); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := errors.Join(w.Flush(), out.Close()); err != nil {
		return err
	}
	if info, err := os.Stat(path + ".clean"); err != nil || info.Size() == 0 { // all rows were an attacker's: no such file then
		return errors.Join(err, os.Remove(path), os.Remove(path+".clean"))
	}
	return os.Rename(path+".clean", path)
}

func copyOthers(w io.Writer, r *bufio.Reader, labelled, seen map[string]bool) error {
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var row struct{ ID string }
			if err := json.Unmarshal(line, &row); err != nil {
				return err
			}
			if labelled[row.ID] {
				seen[row.ID] = true
			} else if _, err := w.Write(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
