package casefile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// ending is what a file's name ends with, without the dot and the ending of a compression: csv for a.csv.gz.
func ending(name string) string {
	return strings.TrimPrefix(strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".gz"))), ".")
}

// LoadNamed loads a CSV, TSV, text, JSON, NDJSON or Parquet file as a table of its own, with the types found in it. It lasts as
// long as the case is open and hides a table of the case that has its name.
func (c *Case) LoadNamed(ctx context.Context, name, path string) (*schema.Table, error) {
	if file, err := os.Open(path); err != nil {
		return nil, fmt.Errorf("load the table %s: %w", name, err)
	} else if err := file.Close(); err != nil {
		return nil, fmt.Errorf("load the table %s: %w", name, err)
	}
	for other := range c.tables { // to the database they would be one, and queries of the other would read the file
		if other != name && strings.EqualFold(other, name) {
			return nil, fmt.Errorf("load the table %s: there is a table %s, of which only the case of letters tells it; choose another name", name, other)
		}
	}
	reader, text := "", quoteText(literal(path))
	raw := "raw " + name // the rows as DuckDB's reader has them
	switch ext := ending(path); ext {
	case "csv", "tsv":
		reader = "read_csv(" + text + ", header = true)"
	case "txt":
		reader = "read_csv(" + text + ", delim = chr(1), quote = '', escape = '', strict_mode = false, columns = {'Line': 'VARCHAR'}, header = false)"
	case "json", "jsonl", "ndjson":
		reader = "read_json_auto(" + text + ")"
	case "parquet":
		reader = "read_parquet(" + text + ")"
	default:
		return nil, fmt.Errorf("load %s: the ending %q is not one of csv, tsv, txt, json, jsonl, ndjson, parquet", path, ext)
	}
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE "+quoteName(raw)+" AS SELECT * FROM "+reader); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	columns, err := c.Select(ctx, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = "+quoteText(raw)+" ORDER BY column_index",
		[]schema.Column{{Name: "name", Type: schema.String}, {Name: "type", Type: schema.String}})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	t := &schema.Table{Name: name}
	var list []string
	for _, row := range columns {
		column, from := row[0].(string), row[1].(string)
		typ, expr := storedForm(quoteName(column), from)
		t.Columns = append(t.Columns, schema.Column{Name: column, Type: typ})
		list = append(list, expr+" AS "+quoteName(column))
	}
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE "+quoteName(name)+" AS SELECT "+strings.Join(list, ", ")+" FROM "+quoteName(raw)); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	c.add(t)
	c.named[name] = path
	if err := c.forget(ctx); err != nil {
		return nil, err
	}
	return t, c.Exec(ctx, "DROP TABLE "+quoteName(raw))
}

// delimited are the formats of text that externaldata reads, and what stands between the fields; a line of txt is one.
// https://learn.microsoft.com/azure/data-explorer/ingestion-supported-formats
var delimited = map[string]string{"csv": ",", "tsv": "\t", "psv": "|", "scsv": ";", "sohsv": "\x01", "txt": ""}

// External reads a text file that LoadNamed was given, under that name or the last part of an address, as texts.
func (s *session) External(source, format string, ignoreFirst bool) (*schema.Table, error) {
	address := source
	if u, err := url.Parse(source); err == nil {
		address = u.Path
	}
	path, ok := s.named[source]
	if !ok {
		if path, ok = s.named[address[strings.LastIndex(address, "/")+1:]]; !ok {
			return nil, nil
		}
	}
	if format == "" {
		format = cmp.Or(ending(address), "csv")
	}
	delimiter, ok := delimited[format]
	if !ok {
		return nil, fmt.Errorf("externaldata reads %s only, not %q", strings.Join(slices.Sorted(maps.Keys(delimited)), ", "), format)
	}
	t := &schema.Table{Name: fmt.Sprintf("_external_%x_%s_%t", sha256.Sum256([]byte(path)), format, ignoreFirst)}
	quoting := "delim = " + quoteText(delimiter) + ", quote = '\"', escape = '\"', null_padding = true"
	where := ""
	if delimiter == "" { // a byte that text does not have makes a line one field
		quoting, where = "delim = chr(1), quote = '', escape = '', strict_mode = false", " WHERE column0 <> ''"
	}
	skip := 0
	if ignoreFirst {
		skip = 1
	}
	reader := fmt.Sprintf("read_csv(%s, %s, header = false, skip = %d, all_varchar = true)%s", quoteText(literal(path)), quoting, skip, where)
	if err := s.Exec(s.ctx, "CREATE TEMP TABLE IF NOT EXISTS "+quoteName(t.Name)+" AS SELECT coalesce(COLUMNS(*), '') FROM "+reader); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	rows, err := s.Select(s.ctx, "SELECT column_name FROM duckdb_columns() WHERE table_name = "+quoteText(t.Name)+" ORDER BY column_index", []schema.Column{{Name: "name", Type: schema.String}})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for _, row := range rows {
		column, _ := row[0].(string)
		t.Columns = append(t.Columns, schema.Column{Name: column, Type: schema.String})
	}
	return t, nil
}

// storedForm converts a DuckDB column to the stored form of the nearest KQL type.
func storedForm(column, from string) (schema.Type, string) {
	switch {
	case from == "BOOLEAN":
		return schema.Bool, column
	case from == "BIGINT" || from == "INTEGER" || from == "SMALLINT" || from == "TINYINT" || from == "UINTEGER" || from == "USMALLINT" || from == "UTINYINT":
		return schema.Long, "CAST(" + column + " AS BIGINT)"
	case from == "DOUBLE" || from == "FLOAT" || strings.HasPrefix(from, "DECIMAL") || from == "HUGEINT" || from == "UBIGINT":
		return schema.Real, "CAST(" + column + " AS DOUBLE)"
	case strings.HasPrefix(from, "TIMESTAMP") || from == "DATE":
		return schema.Datetime, "kql_ticks(CAST(" + column + " AS TIMESTAMP))"
	case strings.HasPrefix(from, "STRUCT") || strings.HasPrefix(from, "MAP") || strings.HasSuffix(from, "[]") || from == "JSON":
		return schema.Dynamic, "CAST(to_json(" + column + ") AS VARCHAR)"
	}
	return schema.String, "coalesce(CAST(" + column + " AS VARCHAR), '')"
}
