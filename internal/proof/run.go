package proof

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/inventory"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Run runs a rule over the evidence of its proof and returns what is wrong, in words.
func (p *Proof) Run(ctx context.Context, h *hunt.Hunt) ([]string, error) {
	rows, err := p.ask(ctx, h)
	if err != nil {
		return nil, err
	}
	wrong := p.compare(rows)
	if h.Role != hunt.RoleContext {
		wrong = append(wrong, p.lookalike(rows)...)
	}
	for _, column := range p.Decisive {
		undone, err := p.Without(column)
		if err != nil {
			return nil, err
		}
		rows, err := undone.ask(ctx, h)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, undone.silent(h, column, rows)...)
	}
	return wrong, nil
}

// silent wants nothing to be said any more, or, of a rule that describes the tenant, something else.
func (p *Proof) silent(h *hunt.Hunt, without string, rows *kql.Rows) (wrong []string) {
	if h.Role == hunt.RoleContext {
		if len(p.compare(rows)) == 0 {
			wrong = append(wrong, fmt.Sprintf("without the column %s the answer is the same: it decides nothing", without))
		}
		return wrong
	}
	for _, got := range objects(rows) {
		wrong = append(wrong, fmt.Sprintf("without the column %s there is still: %s", without, text(got)))
	}
	return wrong
}

// ask loads the evidence and asks the rule.
func (p *Proof) ask(ctx context.Context, h *hunt.Hunt) (rows *kql.Rows, err error) {
	dir, err := os.MkdirTemp("", "replaytrace-proof-")
	if err != nil {
		return nil, fmt.Errorf("prove %s: %w", h.Path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := p.write(dir); err != nil {
		return nil, err
	}
	c, err := casefile.Open(ctx, casefile.Options{Memory: 1e9, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := p.load(ctx, c, dir); err != nil {
		return nil, err
	}
	_, rows, err = hunt.Run(ctx, c, h)
	return rows, err
}

// write leaves the rows as an export would hold them, a file for each section.
func (p *Proof) write(dir string) error {
	for i, t := range p.Tables {
		var text bytes.Buffer
		out := json.NewEncoder(&text)
		for _, row := range t.Lines {
			told := map[string]any{"Type": t.Table}
			maps.Copy(told, row)
			if err := out.Encode(told); err != nil {
				return fmt.Errorf("proof %s: %w", p.Path, err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d-%s.jsonl", i, t.Table)), text.Bytes(), 0o600); err != nil {
			return fmt.Errorf("proof %s: %w", p.Path, err)
		}
	}
	return nil
}

func (p *Proof) load(ctx context.Context, c *casefile.Case, dir string) error {
	if err := inventory.AddTo(ctx, c); err != nil {
		return err
	}
	for alias, text := range p.Watchlists {
		records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			return fmt.Errorf("proof %s: watchlist %s is no CSV: %w", p.Path, alias, err)
		}
		if len(records) == 0 {
			return fmt.Errorf("proof %s: watchlist %s has no header", p.Path, alias)
		}
		if err := c.AddWatchlist(ctx, alias, records[0], records[1:]); err != nil {
			return err
		}
	}
	reports, err := c.Load(ctx, []string{dir})
	if err != nil {
		return err
	}
	for _, r := range reports {
		table := strings.TrimSuffix(filepath.Base(r.Path)[3:], ".jsonl")
		if r.Error != "" || r.RowsRejected > 0 || r.Tables[table] != r.RowsRead {
			return fmt.Errorf("proof %s: %s: %d rows read, %d loaded into the table, %d rejected: %s %v", p.Path, table, r.RowsRead, r.Tables[table], r.RowsRejected, r.Error, r.Rejects)
		}
	}
	anchor, _, err := c.Latest(ctx)
	if err != nil {
		return err
	}
	if p.AsOf != "" {
		given, ok := schema.ParseDatetime(p.AsOf)
		if !ok {
			return fmt.Errorf("proof %s: as-of is no time: %q", p.Path, p.AsOf)
		}
		anchor = casefile.Anchor{Time: given, Source: "given in the proof"}
	}
	c.SetAsOf(anchor.Time, anchor.Source)
	return nil
}

// compare wants each row of want to match one row of the answer, and none to be left.
func (p *Proof) compare(rows *kql.Rows) []string {
	left := objects(rows)
	var wrong []string
	for _, want := range p.Want {
		at := slices.IndexFunc(left, func(got map[string]any) bool { return holds(got, want) })
		if at < 0 {
			wrong = append(wrong, "missing: "+text(want))
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, got := range left {
		wrong = append(wrong, "not wanted: "+text(got))
	}
	return wrong
}

// lookalike wants someone in the proof's own rows about whom the rule says nothing.
func (p *Proof) lookalike(rows *kql.Rows) []string {
	told := map[any]bool{}
	for _, row := range objects(rows) {
		told[row["UserId"]] = true
	}
	for _, t := range p.Tables {
		if t.Shared {
			continue
		}
		for _, row := range t.Lines {
			if row["UserId"] != nil && !told[row["UserId"]] {
				return nil
			}
		}
	}
	return []string{"there is no benign look-alike: the rule speaks of every user in the evidence"}
}

// objects are the rows of an answer by column, as JSON has them.
func objects(rows *kql.Rows) []map[string]any {
	out := make([]map[string]any, len(rows.Rows))
	for i, row := range rows.Rows {
		out[i] = map[string]any{}
		for c, column := range rows.Columns {
			var cell any
			if json.Unmarshal(schema.AppendJSON(nil, column.Type, row[c]), &cell) == nil {
				out[i][column.Name] = cell
			}
		}
	}
	return out
}

// holds reports whether a row has all that is wanted of it. The order in an array does not count: sets have none.
func holds(got, want map[string]any) bool {
	for column, value := range want {
		have, ok := got[column]
		if !ok || !reflect.DeepEqual(unordered(have), unordered(value)) {
			return false
		}
	}
	return true
}

func unordered(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = text(item)
	}
	sort.Strings(texts)
	return texts
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
