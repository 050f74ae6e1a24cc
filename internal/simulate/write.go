package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// WriteTo writes evidence/*.jsonl, portal-csv/*.csv, answer_key.json, tenant.yaml and README.txt below dir.
func (t *Tenant) WriteTo(dir string) error {
	for _, sub := range []string{"evidence", "portal-csv"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return fmt.Errorf("write the tenant: %w", err)
		}
	}
	for _, table := range t.tables {
		rows := t.rows[table.Name]
		if len(rows) == 0 {
			continue
		}
		if err := write(filepath.Join(dir, "evidence", table.Name+".jsonl"), func(w *bufio.Writer) { jsonLines(w, table, rows) }); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, "portal-csv", table.Name+".csv"), func(w *bufio.Writer) { portalCSV(w, table, rows) }); err != nil {
			return err
		}
	}
	key, err := json.MarshalIndent(t.Key, "", "  ")
	if err != nil {
		return fmt.Errorf("write the answer key: %w", err)
	}
	if err := write(filepath.Join(dir, "answer_key.json"), text(string(key)+"\n")); err != nil {
		return err
	}
	var context strings.Builder
	fmt.Fprintf(&context, "name: %s\ntimezone: Europe/London\ncorporate_networks:\n", t.Domain)
	for _, n := range t.nets {
		fmt.Fprintf(&context, "  - {name: %s, cidr: %s}\n", n.name, n.cidr)
	}
	if err := write(filepath.Join(dir, "tenant.yaml"), text(context.String())); err != nil {
		return err
	}
	note := "This is generated evidence of a tenant that does not exist.\nevidence/ and portal-csv/ hold the same rows in two shapes; answer_key.json says what is in them.\n"
	return write(filepath.Join(dir, "README.txt"), text(note))
}

// write fills a file through a buffer, so that a large tenant is never held as text. What fill wrote in vain, Flush tells.
func write(path string, fill func(*bufio.Writer)) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	w := bufio.NewWriterSize(file, 256<<10)
	fill(w)
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	return nil
}

func text(s string) func(*bufio.Writer) {
	return func(w *bufio.Writer) { _, _ = w.WriteString(s) }
}

// LoadAnswerKey reads an answer_key.json.
func LoadAnswerKey(path string) (*AnswerKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the answer key: %w", err)
	}
	var key AnswerKey
	if err := json.Unmarshal(content, &key); err != nil {
		return nil, fmt.Errorf("read the answer key %s: %w", path, err)
	}
	return &key, nil
}

// jsonLines renders rows as Log Analytics exports them: columns in the table's order, dynamic ones as nested JSON.
func jsonLines(w *bufio.Writer, table schema.Table, rows []row) {
	for _, r := range rows {
		sep := byte('{')
		for _, c := range table.Columns {
			v, ok := r.values[c.Name]
			if !ok {
				continue
			}
			_ = w.WriteByte(sep)
			sep = ','
			_, _ = w.WriteString(jsonText(c.Name) + ":")
			if text, isText := v.(string); isText && c.Type == schema.Dynamic {
				_, _ = w.WriteString(text)
			} else {
				_, _ = w.WriteString(jsonText(v))
			}
		}
		_, _ = w.WriteString("}\n")
	}
}

// portalCSV renders rows as the portal's export does: a byte order mark, US dates, CRLF, doubled quotes.
func portalCSV(w *bufio.Writer, table schema.Table, rows []row) {
	_, _ = w.WriteString("\ufeff")
	for i, c := range table.Columns {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString(c.Name)
		if c.Type == schema.Datetime {
			_, _ = w.WriteString(" [UTC]")
		}
	}
	_, _ = w.WriteString("\r\n")
	for n, r := range rows {
		for i, c := range table.Columns {
			if i > 0 {
				_ = w.WriteByte(',')
			}
			text := portalCell(c, r.values[c.Name])
			if c.Name == "OriginatingServer" || c.Name == "ResultDescription" && n == 0 {
				text = "first line\nsecond line"
			}
			if strings.ContainsAny(text, "\",\r\n") {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			_, _ = w.WriteString(text)
		}
		_, _ = w.WriteString("\r\n")
	}
}

func portalCell(c schema.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if c.Type == schema.Datetime {
			if t, err := time.Parse("2006-01-02T15:04:05.0000000Z", v); err == nil {
				return t.Format("1/2/2006, 3:04:05.000 PM")
			}
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}
