package casefile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// LoadNamed loads a CSV, TSV, JSON, NDJSON or Parquet file as a table of its own, with the types found in it. It lasts as
// long as the case is open and hides a table of the case that has its name.
func (c *Case) LoadNamed(ctx context.Context, name, path string) (*schema.Table, error) {
	reader := ""
	switch ext := strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz"))); ext {
	case ".csv", ".tsv":
		reader = "read_csv(" + quoteText(path) + ", header = true)"
	case ".json", ".jsonl", ".ndjson":
		reader = "read_json_auto(" + quoteText(path) + ")"
	case ".parquet":
		reader = "read_parquet(" + quoteText(path) + ")"
	default:
		return nil, fmt.Errorf("load %s: the ending %q is not one of csv, tsv, json, jsonl, ndjson, parquet", path, ext)
	}
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE load_named AS SELECT * FROM "+reader); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	columns, err := c.Select(ctx, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'load_named' ORDER BY column_index",
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
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE "+quoteName(name)+" AS SELECT "+strings.Join(list, ", ")+" FROM load_named"); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	c.add(t)
	c.named[name] = path
	if err := c.forget(ctx); err != nil {
		return nil, err
	}
	return t, c.Exec(ctx, "DROP TABLE load_named")
}

// External reads a CSV or TSV that LoadNamed was given, under that name or the last part of an address, as texts.
func (s session) External(source string, ignoreFirst bool) (*schema.Table, error) {
	path, ok := s.named[source]
	if !ok {
		file := source
		if u, err := url.Parse(source); err == nil {
			file = u.Path
		}
		if path, ok = s.named[file[strings.LastIndex(file, "/")+1:]]; !ok {
			return nil, nil
		}
	}
	delimiter, skip := ",", 0
	switch ext := strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz"))); ext {
	case ".csv":
	case ".tsv":
		delimiter = "\t"
	default:
		return nil, fmt.Errorf("externaldata reads CSV and TSV only, %s is neither", path)
	}
	if ignoreFirst {
		skip = 1
	}
	t := &schema.Table{Name: fmt.Sprintf("_external_%x_%d", sha256.Sum256([]byte(path)), skip)}
	reader := fmt.Sprintf("read_csv(%s, delim = %s, quote = '\"', escape = '\"', header = false, skip = %d, all_varchar = true, null_padding = true)", quoteText(path), quoteText(delimiter), skip)
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
