package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// apiReader turns the query API's {"tables":[{"columns":[..],"rows":[[..]]}]} and the frames of Kusto into objects, one
// per row of the primary result.
// https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
// https://learn.microsoft.com/kusto/api/rest/response-v2
type apiReader struct {
	lines   *lineCounter
	dec     *json.Decoder
	columns []json.RawMessage
	at      Place // of the last row
	err     error
	inRows  bool
	aside   bool  // the table is about the query, not its result
	mark    int64 // bytes before the text
}

// lineCounter remembers where line ends are, so that a decoder's offset becomes a line.
type lineCounter struct {
	r      io.Reader
	read   int64
	breaks []int64
}

func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.breaks = append(l.breaks, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// lineAt returns the line of an offset and forgets what lies before it.
func (l *lineCounter) lineAt(offset, line int64) int64 {
	for len(l.breaks) > 0 && l.breaks[0] < offset {
		l.breaks = l.breaks[1:]
		line++
	}
	return line
}

func newAPIReader(r io.Reader) *apiReader {
	lines := &lineCounter{r: r}
	return &apiReader{lines: lines, dec: json.NewDecoder(lines), at: Place{Line: 1}}
}

// next returns a block of up to 1,000 rows.
func (a *apiReader) next() (Block, bool) {
	b := Block{Records: []Extent{}}
	for len(b.Records) < 1000 && a.err == nil {
		if !a.inRows && !a.seekRows() {
			break
		}
		if !a.dec.More() {
			_, a.err = a.dec.Token()
			a.inRows = false
			continue
		}
		var row json.RawMessage
		if a.err = a.dec.Decode(&row); a.err != nil {
			break
		}
		offset := a.dec.InputOffset() - int64(len(row))
		a.at = Place{a.lines.lineAt(offset, a.at.Line), a.mark + offset}
		start := len(b.Data)
		b.Data = append(b.Data, a.object(row)...)
		b.Records = append(b.Records, Extent{start, len(b.Data), a.at})
		b.Data = append(b.Data, '\n')
	}
	if errors.Is(a.err, io.EOF) && len(b.Records) == 0 {
		a.err = nil
		return b, false
	}
	return b, len(b.Records) > 0
}

// seekRows goes on to the next "rows" array and reads the "columns" on the way.
func (a *apiReader) seekRows() bool {
	for {
		t, err := a.dec.Token()
		if err != nil {
			a.err = err
			return false
		}
		key, ok := t.(string)
		if !ok {
			continue
		}
		switch key {
		case "TableKind", "TableName":
			var name string
			if a.err = a.dec.Decode(&name); a.err != nil {
				return false
			}
			if key == "TableKind" {
				a.aside = name != "PrimaryResult"
			} else if number, ok := strings.CutPrefix(name, "Table_"); ok { // Kusto v1 numbers its tables
				a.aside = number != "0"
			}
		case "columns", "Columns":
			var cols []struct {
				Name       string `json:"name"`
				ColumnName string `json:"ColumnName"`
			}
			if a.err = a.dec.Decode(&cols); a.err != nil {
				return false
			}
			a.columns = nil
			for _, c := range cols {
				name, err := json.Marshal(c.Name + c.ColumnName)
				if err != nil {
					a.err = err
					return false
				}
				a.columns = append(a.columns, name)
			}
		case "rows", "Rows":
			t, err := a.dec.Token()
			if err != nil || t != json.Delim('[') {
				a.err = fmt.Errorf("rows is not an array: %w", err)
				return false
			}
			if a.aside {
				for a.err = nil; a.err == nil && a.dec.More(); {
					var skipped json.RawMessage
					a.err = a.dec.Decode(&skipped)
				}
				if a.err != nil {
					return false
				}
				continue
			}
			a.inRows = true
			return true
		}
	}
}

func (a *apiReader) object(row json.RawMessage) []byte {
	var cells []json.RawMessage
	if err := json.Unmarshal(row, &cells); err != nil || len(cells) != len(a.columns) {
		return row // the decoder rejects it with its reason: it is no object
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(a.columns[i])
		b.WriteByte(':')
		b.Write(c)
	}
	b.WriteByte('}')
	return b.Bytes()
}
