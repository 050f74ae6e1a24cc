// Package tenant owns what is known of a tenant before its evidence is read: networks, approved applications, sanctioned
// automation. In KQL the context is watchlists; what is not given is learned from the evidence, and said to be.
package tenant

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Context is a tenant file that has been read, with the tables it names.
type Context struct {
	Name string
	// Watchlists are what _GetWatchlist returns, by alias.
	Watchlists map[string]Table
	// KnownApps are the paths of further lists of known applications.
	KnownApps []string
	// Providers is the path of a database of autonomous systems (GeoLite2-ASN.mmdb), and Indicators that of a list of
	// indicators; empty without.
	Providers, Indicators string
	// Window is when the incident was, nil where the file does not say; the watchlist IncidentWindow has the same.
	Window *Window
	// Suspects are the users of whom something must be said, by name or object id.
	Suspects []string
}

// Window is a time, both ends included.
type Window struct{ Start, End time.Time }

// Table is a watchlist: columns and rows of text.
type Table struct {
	Columns []string
	Rows    [][]string
}

type file struct {
	Name              string            `yaml:"name"`
	Timezone          string            `yaml:"timezone"`
	WorkingHours      workingHours      `yaml:"working_hours"`
	CorporateNetworks any               `yaml:"corporate_networks"`
	VpnNetworks       any               `yaml:"vpn_networks"`
	ApprovedApps      any               `yaml:"approved_apps"`
	Automation        any               `yaml:"automation"`
	KnownApps         any               `yaml:"known_apps"`
	VpnLog            any               `yaml:"vpn_log"`
	AsnDatabase       string            `yaml:"asn_database"`
	Watchlists        map[string]string `yaml:"watchlists"`
	Incident          struct {
		Window   []string `yaml:"window"`
		Suspects []string `yaml:"suspects"`
		Iocs     string   `yaml:"iocs"`
		Actions  any      `yaml:"actions"`
	} `yaml:"incident"`
}

// parts are the keys that become watchlists, with their columns.
var parts = []struct {
	key, alias string
	columns    []string
	get        func(*file) any
}{
	{"corporate_networks", "CorporateNetworks", []string{"name", "cidr"}, func(f *file) any { return f.CorporateNetworks }},
	{"vpn_networks", "VpnNetworks", []string{"name", "cidr"}, func(f *file) any { return f.VpnNetworks }},
	{"approved_apps", "ApprovedApps", []string{"app_id", "name"}, func(f *file) any { return f.ApprovedApps }},
	{"automation", "Automation", []string{"user", "app_id", "cidr"}, func(f *file) any { return f.Automation }},
	{"vpn_log", "VpnLog", []string{"user", "start", "end", "client_ip", "egress_ip"}, func(f *file) any { return f.VpnLog }},
	{"incident.actions", "IncidentActions", []string{"time", "action", "user", "via"}, func(f *file) any { return f.Incident.Actions }},
}

// synonyms are other names of columns, in lower case.
var synonyms = map[string]string{
	"label": "name", "network": "cidr", "range": "cidr", "ip": "cidr", "appid": "app_id", "application_id": "app_id",
	"client_id": "app_id", "upn": "user", "username": "user", "display_name": "name", "start_utc": "start", "start_time": "start",
	"end_utc": "end", "end_time": "end", "public_ip": "egress_ip", "egress": "egress_ip", "source_ip": "client_ip", "src_ip": "client_ip",
}

// kinds check the cells of columns by the column's name, and give them one form.
var kinds = map[string]func(cell string) (string, error){
	"cidr": network, "egress_ip": network, "start": moment, "time": moment, "action": action,
	"end": func(cell string) (string, error) { // a session that goes on has none
		if cell == "" {
			return "", nil
		}
		return moment(cell)
	},
}

// Load reads a tenant file. Paths in it are relative to it. Unknown keys and rows that are no networks are errors.
func Load(path string) (*Context, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tenant file: %w", err)
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("tenant file %s: %w%s", path, err, meant(err))
	}
	c := &Context{Name: f.Name, Watchlists: map[string]Table{}}
	for _, p := range parts {
		value := p.get(&f)
		if value == nil {
			continue
		}
		t, err := table(path, p.columns, value)
		if err == nil {
			err = t.check()
		}
		if err != nil {
			return nil, fmt.Errorf("tenant file %s: %s: %w", path, p.key, err)
		}
		c.Watchlists[p.alias] = t
	}
	for alias, name := range f.Watchlists {
		t, err := readCSV(beside(path, name), nil)
		if err != nil {
			return nil, fmt.Errorf("tenant file %s: watchlist %s: %w", path, alias, err)
		}
		c.Watchlists[alias] = t
	}
	if c.KnownApps, err = paths(path, f.KnownApps); err != nil {
		return nil, fmt.Errorf("tenant file %s: known_apps: %w", path, err)
	}
	c.Providers, c.Indicators, c.Suspects = beside(path, f.AsnDatabase), beside(path, f.Incident.Iocs), f.Incident.Suspects
	if err := c.window(f.Incident.Window); err != nil {
		return nil, fmt.Errorf("tenant file %s: incident.window: %w", path, err)
	}
	if err := c.workingHours(f.WorkingHours, f.Timezone); err != nil {
		return nil, fmt.Errorf("tenant file %s: %w", path, err)
	}
	return c, nil
}

// meant suggests the key that was meant, where an error is about one that is not known.
func meant(err error) string {
	var unknown *yaml.UnknownFieldError
	if !errors.As(err, &unknown) || unknown.Token == nil {
		return ""
	}
	if near := diag.Suggest(unknown.Token.Value, keysOf(reflect.TypeFor[file]())); near != "" {
		return "\n  did you mean " + near + "?"
	}
	return ""
}

// keysOf are the keys of the file, those of its parts among them.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		keys = append(keys, f.Tag.Get("yaml"))
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type)...)
		}
	}
	return keys
}

// window reads the two ends of the incident's window.
func (c *Context) window(ends []string) error {
	if ends == nil {
		return nil
	}
	if len(ends) != 2 {
		return errors.New("two times are expected, the first and the last: [2026-03-18, 2026-03-21]")
	}
	var at [2]time.Time
	for i, parse := range []func(string) (schema.Ticks, bool){schema.ParseDatetime, schema.ParseEnd} {
		var err error
		if at[i], err = instant(ends[i], parse); err != nil {
			return err
		}
	}
	c.Window = &Window{at[0], at[1]}
	if c.Window.End.Before(c.Window.Start) {
		return fmt.Errorf("it ends, %s, before it begins, %s", ends[1], ends[0])
	}
	c.Watchlists["IncidentWindow"] = Table{Columns: []string{"start", "end"}, Rows: [][]string{{at[0].Format(time.RFC3339Nano), at[1].Format(time.RFC3339Nano)}}}
	return nil
}

// beside is a path that the tenant file names, relative to it; empty where it names none.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// paths reads one path or a list of them, relative to the tenant file.
func paths(file string, value any) ([]string, error) {
	list, isList := value.([]any)
	if value != nil && !isList {
		list = []any{value}
	}
	var out []string
	for _, item := range list {
		path, ok := item.(string)
		if !ok || path == "" {
			return nil, errors.New("the path of a list is expected, or several")
		}
		out = append(out, beside(file, path))
	}
	return out, nil
}

// table reads a part: the path of a CSV, relative to the tenant file, or an inline list of mappings or of plain networks.
func table(file string, columns []string, value any) (Table, error) {
	switch v := value.(type) {
	case string:
		return readCSV(beside(file, v), columns)
	case []any:
		t := Table{Columns: columns}
		for i, item := range v {
			row, err := inline(columns, item)
			if err != nil {
				return t, fmt.Errorf("entry %d: %w", i+1, err)
			}
			t.Rows = append(t.Rows, row)
		}
		return t, nil
	}
	return Table{}, errors.New("the path of a CSV file or a list is expected")
}

func inline(columns []string, item any) ([]string, error) {
	row := make([]string, len(columns))
	switch v := item.(type) {
	case string:
		for i, c := range columns {
			if c == "cidr" || c == "app_id" {
				row[i] = v
			}
		}
		return row, nil
	case map[string]any:
		for key, value := range v {
			i := indexOf(columns, key)
			if i < 0 {
				hint := ""
				if near := diag.Suggest(key, columns); near != "" {
					hint = fmt.Sprintf("; did you mean %s?", near)
				}
				return nil, fmt.Errorf("unknown key %q: it is one of %s%s", key, strings.Join(columns, ", "), hint)
			}
			row[i] = fmt.Sprint(value)
		}
		return row, nil
	}
	return nil, fmt.Errorf("unexpected %T", item)
}

func indexOf(columns []string, name string) int {
	name = strings.ToLower(strings.TrimSpace(name))
	if s, ok := synonyms[name]; ok {
		name = s
	}
	for i, c := range columns {
		if c == name {
			return i
		}
	}
	return -1
}

// readCSV reads a CSV with a header. With columns given they are picked by their names and synonyms, and a header that has
// none of them is an error; without, the list is the tenant's own and kept as it is.
func readCSV(path string, columns []string) (Table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Table{}, err
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	records, err := r.ReadAll()
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(records) == 0 {
		return Table{}, fmt.Errorf("%s: it has no header", path)
	}
	header, records := records[0], records[1:]
	for _, record := range records {
		for i, cell := range record {
			record[i] = strings.TrimSpace(cell)
		}
	}
	if columns == nil {
		return Table{header, records}, nil
	}
	at := make([]int, len(header)) // the column of a cell, -1 for none
	for i, name := range header {
		at[i] = indexOf(columns, name)
	}
	if slices.Max(at) < 0 {
		return Table{}, fmt.Errorf("%s: its header, %s, has none of the columns %s", path, strings.Join(header, ", "), strings.Join(columns, ", "))
	}
	t := Table{Columns: columns}
	for _, record := range records {
		row := make([]string, len(columns))
		for i, cell := range record {
			if at[i] >= 0 {
				row[at[i]] = cell
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// check checks the cells of the columns that have a kind, and gives them its form.
func (t Table) check() error {
	for k, column := range t.Columns {
		kind := kinds[column]
		if kind == nil {
			continue
		}
		for i, row := range t.Rows {
			cell, err := kind(row[k])
			if err != nil {
				return fmt.Errorf("row %d: %w", i+1, err)
			}
			row[k] = cell
		}
	}
	return nil
}

func network(cell string) (string, error) {
	if _, err := netip.ParsePrefix(cell); err == nil {
		return cell, nil
	}
	if _, err := netip.ParseAddr(cell); err != nil {
		return "", fmt.Errorf("%q is not a network: write 203.0.113.0/24", cell)
	}
	return cell, nil
}

var isoDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)

// moment is a time as KQL reads it, in UTC.
func moment(cell string) (string, error) {
	t, err := instant(cell, schema.ParseDatetime)
	if err != nil {
		return "", err
	}
	return t.Format(time.RFC3339Nano), nil
}

// instant reads a time. What is only a time to one who knows the country is refused.
func instant(cell string, parse func(string) (schema.Ticks, bool)) (time.Time, error) {
	t, ok := parse(cell)
	if !ok || !isoDate.MatchString(cell) {
		return time.Time{}, fmt.Errorf("%q is not a time: write 2026-03-20T14:02:00Z", cell)
	}
	return t.Time(), nil
}

func action(cell string) (string, error) {
	if known := []string{"reset", "revoke", "disable", "consent_removed"}; !slices.Contains(known, cell) {
		return "", fmt.Errorf("%q is not an action: it is one of %s", cell, strings.Join(known, ", "))
	}
	return cell, nil
}
