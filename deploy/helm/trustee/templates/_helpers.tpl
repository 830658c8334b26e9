{{- define "trustee.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "trustee.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "trustee.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "trustee.config" -}}
http_server:
  sockets: ["0.0.0.0:8080"]
{{- if .Values.tls.secret }}
  certificate: /etc/trustee/tls/tls.crt
  private_key: /etc/trustee/tls/tls.key
{{- end }}
admin:
{{- if .Values.admin.publicKeySecret }}
  authorization_mode: AuthenticatedAuthorization
  authentication:
    bearer_jwt:
      identity_providers:
        - issuer: {{ .Values.admin.issuer | quote }}
          audience: {{ .Values.admin.audience | quote }}
          public_key_uri: /etc/trustee/admin/admin.pub
  authorization:
    regex_acl:
      acls:
        - role: admin
          allowed_endpoints: "^/kbs/.+$"
{{- else }}
  authorization_mode: DenyAll
{{- end }}
attestation_service:
  type: coco_as_builtin
{{- if .Values.token.signerSecret }}
  attestation_token_broker:
    signer:
      key_path: /etc/trustee/token/token.key
      cert_path: /etc/trustee/token/token.pem
{{- end }}
storage_backend:
{{- if .Values.storage.postgresSecret }}
  storage_type: Postgres
  backends:
    postgres: {}
{{- else }}
  storage_type: Sqlite
  backends:
    sqlite:
      path: /var/lib/trustee/trustee.db
{{- end }}
{{- if .Values.storage.keyRingSecret }}
  encryption:
    key_ring: /etc/trustee/ring/ring.json
{{- end }}
plugins:
  - name: resource
    storage_backend_type: kvstorage
{{- end -}}
