package inventory

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// headers are the names by which lists call what an App has, in lower case.
var headers = map[string][]string{
	"id":    {"app_id", "appid", "client_id", "clientid", "application_id", "application id"},
	"name":  {"name", "appdisplayname", "application_name", "displayname", "display name", "display_name"},
	"owner": {"owner", "appownerorganizationid", "appownertenantid", "owner_tenant_id"},
	"class": {"class"},
	"foci":  {"foci"},
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// ReadList reads a list of applications: CSV with a header, or a JSON array of objects, as the public lists are
// published. The kind says what the list is: "" for known ones, Approved for the tenant's own decision. A list of clients
// by client_id and application_name only is the family of client ids.
func ReadList(path, kind string) ([]App, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a list of applications: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	records, err := recordsOf(text)
	if err != nil {
		return nil, fmt.Errorf("list of applications %s: %w", path, err)
	}
	var out []App
	for i, r := range records {
		a, err := appOf(r, kind)
		if err != nil {
			return nil, fmt.Errorf("list of applications %s: entry %d: %w", path, i+1, err)
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("list of applications %s: it is empty", path)
	}
	return out, nil
}

// recordsOf reads the entries by their headers in lower case.
func recordsOf(text []byte) ([]map[string]string, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var list []map[string]any
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		out := make([]map[string]string, len(list))
		for i, object := range list {
			out[i] = map[string]string{}
			for key, value := range object {
				if value == nil {
					value = ""
				}
				out[i][strings.ToLower(key)] = fmt.Sprint(value)
			}
		}
		return out, nil
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it has no header")
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		r := map[string]string{}
		for i, cell := range row {
			r[strings.ToLower(strings.TrimSpace(rows[0][i]))] = strings.TrimSpace(cell)
		}
		out = append(out, r)
	}
	return out, nil
}

func appOf(r map[string]string, kind string) (App, error) {
	get := func(what string) string {
		for _, name := range headers[what] {
			if r[name] != "" {
				return r[name]
			}
		}
		return ""
	}
	// The public list has ids with the remains of a non-breaking space behind them.
	id := strings.TrimFunc(get("id"), func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF-", c) })
	a := App{ID: id, Name: get("name"), Owner: get("owner"), Class: get("class"), FOCI: get("foci") == "true", Source: r["source"]}
	if !guid.MatchString(a.ID) {
		return a, fmt.Errorf("%q is no application id; the column is called one of %s", a.ID, strings.Join(headers["id"], ", "))
	}
	if a.Class != "" && !slices.Contains([]string{FirstParty, ThirdParty, Approved}, a.Class) {
		return a, fmt.Errorf("the class is %s, %s or %s, not %q", FirstParty, ThirdParty, Approved, a.Class)
	}
	// The public list of the family has these two columns and no other; the full list marks Microsoft's by being on it.
	if _, family := r["client_id"]; family && len(r) == 2 {
		a.FOCI, a.Class = true, FirstParty
	}
	if _, full := r["appownerorganizationid"]; full && a.Class == "" {
		a.Class = FirstParty
	}
	if kind == Approved {
		a.Class = Approved
	}
	return a, nil
}
