// Package tenant owns what is known of a tenant before its evidence is read: networks, approved applications, sanctioned
// automation. In KQL the context is watchlists; what is not given is learned from the evidence, and said to be.
package tenant

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
)

// Context is a tenant file that has been read, with the tables it names.
type Context struct {
	Name string
	// Watchlists are what _GetWatchlist returns, by alias.
	Watchlists map[string]Table
	// KnownApps are the paths of further lists of known applications.
	KnownApps []string
	// Unused are keys of the file that this version reads but does not use yet.
	Unused []string
}

// Table is a watchlist: columns and rows of text.
type Table struct {
	Columns []string
	Rows    [][]string
}

type file struct {
	Name              string            `yaml:"name"`
	Timezone          string            `yaml:"timezone"`
	WorkingHours      any               `yaml:"working_hours"`
	CorporateNetworks any               `yaml:"corporate_networks"`
	VpnNetworks       any               `yaml:"vpn_networks"`
	ApprovedApps      any               `yaml:"approved_apps"`
	Automation        any               `yaml:"automation"`
	KnownApps         any               `yaml:"known_apps"`
	VpnLog            string            `yaml:"vpn_log"`
	AsnDatabase       string            `yaml:"asn_database"`
	Watchlists        map[string]string `yaml:"watchlists"`
	Incident          any               `yaml:"incident"`
}

// parts are the keys that become watchlists, with their columns and the synonyms that headers may use.
var parts = []struct {
	key, alias string
	columns    []string
	cidr       string // the column that must hold networks
	get        func(*file) any
}{
	{"corporate_networks", "CorporateNetworks", []string{"name", "cidr"}, "cidr", func(f *file) any { return f.CorporateNetworks }},
	{"vpn_networks", "VpnNetworks", []string{"name", "cidr"}, "cidr", func(f *file) any { return f.VpnNetworks }},
	{"approved_apps", "ApprovedApps", []string{"app_id", "name"}, "", func(f *file) any { return f.ApprovedApps }},
	{"automation", "Automation", []string{"user", "app_id", "cidr"}, "cidr", func(f *file) any { return f.Automation }},
}

var synonyms = map[string]string{
	"label": "name", "network": "cidr", "range": "cidr", "ip": "cidr", "appid": "app_id", "application_id": "app_id",
	"client_id": "app_id", "upn": "user", "username": "user", "display_name": "name",
}

// Load reads a tenant file. Paths in it are relative to it. Unknown keys and rows that are no networks are errors.
func Load(path string) (*Context, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tenant file: %w", err)
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("tenant file %s: %w", path, err)
	}
	c := &Context{Name: f.Name, Watchlists: map[string]Table{}}
	for _, p := range parts {
		value := p.get(&f)
		if value == nil {
			continue
		}
		t, err := table(filepath.Dir(path), p.columns, value)
		if err == nil && p.cidr != "" {
			err = checkNetworks(t, p.cidr)
		}
		if err != nil {
			return nil, fmt.Errorf("tenant file %s: %s: %w", path, p.key, err)
		}
		c.Watchlists[p.alias] = t
	}
	for alias, name := range f.Watchlists {
		t, err := readCSV(filepath.Join(filepath.Dir(path), name), nil)
		if err != nil {
			return nil, fmt.Errorf("tenant file %s: watchlist %s: %w", path, alias, err)
		}
		c.Watchlists[alias] = t
	}
	if c.KnownApps, err = paths(filepath.Dir(path), f.KnownApps); err != nil {
		return nil, fmt.Errorf("tenant file %s: known_apps: %w", path, err)
	}
	for key, used := range map[string]bool{"vpn_log": f.VpnLog != "", "asn_database": f.AsnDatabase != "", "incident": f.Incident != nil, "working_hours": f.WorkingHours != nil} {
		if used {
			c.Unused = append(c.Unused, key)
		}
	}
	sort.Strings(c.Unused)
	return c, nil
}

// paths reads one path or a list of them, relative to the tenant file.
func paths(dir string, value any) ([]string, error) {
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
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		out = append(out, path)
	}
	return out, nil
}

// table reads a part: the path of a CSV, or an inline list of mappings or of plain networks.
func table(dir string, columns []string, value any) (Table, error) {
	switch v := value.(type) {
	case string:
		return readCSV(filepath.Join(dir, v), columns)
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
				return nil, fmt.Errorf("unknown key %q: it is one of %s", key, strings.Join(columns, ", "))
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

// readCSV reads a CSV with a header. With columns given they are picked by name; without, the header is kept.
func readCSV(path string, columns []string) (Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return Table{}, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", path, err)
	}
	if columns == nil {
		columns = header
	}
	t := Table{Columns: columns}
	at := make([]int, len(header))
	for i, h := range header {
		h = strings.TrimPrefix(h, "\ufeff")
		at[i] = indexOf(columns, h)
		if at[i] < 0 {
			for k, c := range columns {
				if c == h {
					at[i] = k
				}
			}
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("%s: %w", path, err)
		}
		row := make([]string, len(columns))
		for i, cell := range record {
			if at[i] >= 0 {
				row[at[i]] = strings.TrimSpace(cell)
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

func checkNetworks(t Table, column string) error {
	k := indexOf(t.Columns, column)
	for i, row := range t.Rows {
		if _, err := netip.ParsePrefix(row[k]); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(row[k]); err != nil {
			return fmt.Errorf("row %d: %q is not a network: write 203.0.113.0/24", i+1, row[k])
		}
	}
	return nil
}
