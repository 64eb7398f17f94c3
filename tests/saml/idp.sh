# An identity provider on loopback: SimpleSAMLphp under Apache, with TLS. To be sourced after ../outside.sh.
# It knows alice (in inviters and portal-admins), bob (in no group) and eve, whose address is elsewhere.

IDP_PASSWORD=a-heron-at-the-mill

# start_idp: afterwards $IDP is its address, $IDP_METADATA the file with its metadata.
start_idp() {
  need simplesamlphp apache2-bin libapache2-mod-php php-xml php-mbstring media-types openssl curl
  local dir=$WORK/idp port modules=/usr/lib/apache2/modules module
  port=$(free_port)
  IDP=https://localhost:$port
  IDP_METADATA=$WORK/idp.xml
  mkdir -p "$dir"/{config,metadata,data,log,tmp,cert}
  certificate "$dir/cert/idp" idp.corp.example
  cat >"$dir/httpd.conf" <<CONF
ServerRoot $dir
ServerName localhost
Listen 127.0.0.1:$port
PidFile $dir/apache.pid
$([ "$(id -u)" != 0 ] || printf 'User www-data\nGroup www-data')
ErrorLog $dir/log/apache.log
Mutex file:$dir/tmp
$(for module in mpm_prefork authz_core alias dir mime env ssl socache_shmcb; do
  echo "LoadModule ${module}_module $modules/mod_$module.so"
done)
LoadModule php_module $(echo $modules/libphp8*.so)
TypesConfig /etc/mime.types
SSLEngine on
SSLCertificateFile $WORK/web.crt
SSLCertificateKeyFile $WORK/web.key
SetEnv SIMPLESAMLPHP_CONFIG_DIR $dir/config
Alias /simplesaml /usr/share/simplesamlphp/www
<Directory /usr/share/simplesamlphp/www>
Require all granted
AcceptPathInfo on
<FilesMatch "\.php$">
SetHandler application/x-httpd-php
</FilesMatch>
</Directory>
CONF
  cat >"$dir/config/config.php" <<CONF
<?php
\$config = [
  'baseurlpath' => '$IDP/simplesaml/', 'certdir' => '$dir/cert/', 'loggingdir' => '$dir/log/', 'datadir' => '$dir/data/',
  'tempdir' => '$dir/tmp', 'metadatadir' => '$dir/metadata/', 'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
  'secretsalt' => 'of-a-test', 'auth.adminpassword' => 'of-a-test', 'timezone' => 'UTC', 'admin.checkforupdates' => false,
  'technicalcontact_name' => 'Test', 'technicalcontact_email' => 'na@corp.example', 'errorreporting' => false,
  'logging.handler' => 'file', 'logging.logfile' => 'idp.log', 'enable.saml20-idp' => true,
  'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'session.cookie.secure' => true, 'session.cookie.samesite' => 'None', 'session.cookie.name' => 'IdpSession',
  'session.phpsession.cookiename' => 'IdpPhp', 'session.phpsession.savepath' => '$dir/tmp', 'store.type' => 'phpsession',
  'metadata.sources' => [['type' => 'flatfile']], 'authproc.idp' => [], 'authproc.sp' => [],
];
CONF
  cat >"$dir/config/authsources.php" <<CONF
<?php
\$config = ['staff' => ['exampleauth:UserPass',
  'alice:$IDP_PASSWORD' => ['mail' => ['alice@corp.example'], 'displayName' => ['Alice Müller'], 'groups' => ['inviters', 'portal-admins']],
  'bob:$IDP_PASSWORD' => ['mail' => ['bob@corp.example'], 'displayName' => ['Bob Plain']],
  'eve:$IDP_PASSWORD' => ['mail' => ['eve@elsewhere.example'], 'displayName' => ['Eve'], 'groups' => ['portal-admins']],
]];
CONF
  cat >"$dir/metadata/saml20-idp-hosted.php" <<CONF
<?php
\$metadata['$IDP/idp'] = [
  'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'staff',
  'sign.logout' => true, 'validate.logout' => true,
  'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  'authproc' => [10 => ['class' => 'saml:AttributeNameID', 'identifyingAttribute' => 'mail', 'attribute' => 'mail',
    'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress']],
];
CONF
  # Whom it answers is what the portal says of itself, once that runs.
  cat >"$dir/metadata/saml20-sp-remote.php" <<CONF
<?php
foreach (glob('$dir/portal.xml') as \$file) {
  foreach (\\SimpleSAML\\Metadata\\SAMLParser::parseDescriptorsFile(\$file) as \$id => \$entity) {
    \$metadata[\$id] = ['saml20.sign.response' => true, 'saml20.sign.assertion' => true] + \$entity->getMetadata20SP();
  }
}
CONF
  if [ "$(id -u)" = 0 ]; then
    chmod 711 "$WORK"
    chown -R www-data: "$dir"/{data,log,tmp,cert}
  fi
  apache2 -f "$dir/httpd.conf" -DFOREGROUND >"$WORK/apache.log" 2>&1 &
  STARTED+=($!)
  until_true 30 'the identity provider' curl -fsS --cacert "$WORK/web.crt" -o "$IDP_METADATA" \
    "$IDP/simplesaml/saml2/idp/metadata.php"
}

# certificate FILE NAME...: FILE.crt and FILE.key, of its own making, for these names.
certificate() {
  local file=$1 names
  names=$(printf ',DNS:%s' "${@:2}")
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$file.key" -out "$file.crt" -days 2 -subj "/CN=$2" \
    -addext "subjectAltName=${names#,}" 2>/dev/null
}
