package simulate

import (
	"bufio"
	"bytes"
	"encoding/json"
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
		if err := write(filepath.Join(dir, "evidence", table.Name+".jsonl"), jsonLines(table, rows)); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, "portal-csv", table.Name+".csv"), portalCSV(table, rows)); err != nil {
			return err
		}
	}
	key, err := json.MarshalIndent(t.Key, "", "  ")
	if err != nil {
		return fmt.Errorf("write the answer key: %w", err)
	}
	if err := write(filepath.Join(dir, "answer_key.json"), append(key, '\n')); err != nil {
		return err
	}
	var context strings.Builder
	fmt.Fprintf(&context, "name: %s\ntimezone: Europe/London\ncorporate_networks:\n", t.Domain)
	for _, n := range t.nets {
		fmt.Fprintf(&context, "  - {name: %s, cidr: %s}\n", n.name, n.cidr)
	}
	if err := write(filepath.Join(dir, "tenant.yaml"), []byte(context.String())); err != nil {
		return err
	}
	note := "This is generated evidence of a tenant that does not exist.\nevidence/ and portal-csv/ hold the same rows in two shapes; answer_key.json says what is in them.\n"
	return write(filepath.Join(dir, "README.txt"), []byte(note))
}

func write(path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	return nil
}

// LoadAnswerKey reads an answer_key.json.
func LoadAnswerKey(path string) (*AnswerKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the answer key: %w", err)
	}
	var key AnswerKey
	if err := json.Unmarshal(text, &key); err != nil {
		return nil, fmt.Errorf("read the answer key %s: %w", path, err)
	}
	return &key, nil
}

// jsonLines renders rows as Log Analytics exports them: columns in the table's order, dynamic ones as nested JSON.
func jsonLines(table schema.Table, rows []row) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
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
	_ = w.Flush()
	return b.Bytes()
}

// portalCSV renders rows as the portal's export does: a byte order mark, US dates, CRLF, doubled quotes.
func portalCSV(table schema.Table, rows []row) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	for i, c := range table.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.Name)
		if c.Type == schema.Datetime {
			b.WriteString(" [UTC]")
		}
	}
	b.WriteString("\r\n")
	for n, r := range rows {
		for i, c := range table.Columns {
			if i > 0 {
				b.WriteByte(',')
			}
			text := portalCell(c, r.values[c.Name])
			if c.Name == "OriginatingServer" || c.Name == "ResultDescription" && n == 0 {
				text = "first line\nsecond line"
			}
			if strings.ContainsAny(text, "\",\r\n") {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
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
